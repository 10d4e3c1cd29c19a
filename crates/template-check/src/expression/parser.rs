//! Tokens to a tree.

use super::{
    Expression,
    lexer::{Placed, Token, tokens},
};

pub(super) fn parse(text: &str) -> Result<Expression, String> {
    let mut parser = Parser {
        tokens: tokens(text)?,
        at: 0,
    };
    let expression = parser.expression()?;
    match parser.next() {
        None => Ok(expression),
        Some(token) => Err(unexpected(&token)),
    }
}

fn unexpected((at, token): &Placed) -> String {
    format!("unexpected {token:?} at {at}")
}

struct Parser {
    tokens: Vec<Placed>,
    at: usize,
}

impl Parser {
    fn next(&mut self) -> Option<Placed> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn need(&mut self) -> Result<Placed, String> {
        self.next().ok_or_else(|| "unexpected end".to_owned())
    }

    fn take(&mut self, mark: char) -> bool {
        let is_next =
            matches!(self.tokens.get(self.at), Some((_, Token::Mark(next))) if *next == mark);
        self.at += usize::from(is_next);
        is_next
    }

    fn expect(&mut self, mark: char) -> Result<(), String> {
        if self.take(mark) {
            return Ok(());
        }
        let found = self.need()?;
        Err(format!("{}, not `{mark}`", unexpected(&found)))
    }

    fn expression(&mut self) -> Result<Expression, String> {
        let mut expression = match self.need()? {
            (_, Token::Text(text)) => Expression::Text(text),
            (_, Token::Number(number)) => Expression::Number(number),
            (_, Token::Name(name)) => {
                self.expect('(')?;
                Expression::Call(name, self.arguments()?)
            }
            other => return Err(unexpected(&other)),
        };
        loop {
            if self.take('.') {
                match self.need()? {
                    (_, Token::Name(name)) => {
                        expression = Expression::Member(expression.into(), name);
                    }
                    other => return Err(unexpected(&other)),
                }
            } else if self.take('[') {
                let at = self.expression()?;
                self.expect(']')?;
                expression = Expression::Index(expression.into(), at.into());
            } else {
                return Ok(expression);
            }
        }
    }

    fn arguments(&mut self) -> Result<Vec<Expression>, String> {
        let mut arguments = Vec::new();
        if self.take(')') {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.expression()?);
            if !self.take(',') {
                self.expect(')')?;
                return Ok(arguments);
            }
        }
    }
}
