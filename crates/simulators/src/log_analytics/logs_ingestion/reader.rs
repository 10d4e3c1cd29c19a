//! Reads the expressions of a transform.
//!
//! An expression is a column (`name` or `['name']`), a member of a dynamic one (`a.b`), a text in single
//! quotes, a span of days (`2d`), a comparison by `<`, `==` or `in`, conditions with `and` and `or`, or a call
//! of one of the functions that [`Function::named`] knows.

use std::{iter::Peekable, str::Chars};

use super::{
    keywords::KEYWORDS,
    transform::{Expression, Function},
};

/// Words that the language service takes for columns, but that mean something else as well: the input, and
/// a column's type. They are columns only as `['name']`, to be safe.
const AMBIGUOUS: [&str; 2] = ["source", "type"];

/// What is left of a transform.
#[derive(Clone)]
pub(super) struct Reader<'a>(Peekable<Chars<'a>>);

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self(text.chars().peekable())
    }

    fn peek(&mut self) -> Option<char> {
        while self.0.next_if(|next| next.is_whitespace()).is_some() {}
        self.0.peek().copied()
    }

    pub(super) fn takes(&mut self, character: char) -> bool {
        let is_next = self.peek() == Some(character);
        if is_next {
            let _taken = self.0.next();
        }
        is_next
    }

    /// Whether the next word is this one; if so, it is taken.
    pub(super) fn takes_word(&mut self, word: &str) -> bool {
        let mut ahead = self.clone();
        let is_next = ahead.word().is_ok_and(|next| next == word);
        if is_next {
            *self = ahead;
        }
        is_next
    }

    pub(super) fn expect(&mut self, character: char) -> Result<(), String> {
        if self.takes(character) {
            return Ok(());
        }
        Err(self.unexpected(&character.to_string()))
    }

    pub(super) fn expect_word(&mut self, word: &str) -> Result<(), String> {
        if self.takes_word(word) {
            return Ok(());
        }
        Err(self.unexpected(word))
    }

    pub(super) fn expect_end(&mut self) -> Result<(), String> {
        match self.peek() {
            None => Ok(()),
            Some(other) => Err(format!("`{other}` is not understood")),
        }
    }

    fn unexpected(&mut self, wanted: &str) -> String {
        match self.peek() {
            Some(other) => format!("`{wanted}` was expected and not `{other}`"),
            None => format!("`{wanted}` was expected and not the end"),
        }
    }

    /// A name that needs no quotes.
    pub(super) fn name(&mut self) -> Result<String, String> {
        let word = self.word()?;
        if KEYWORDS.contains(&word.as_str()) {
            return Err(quote(&word));
        }
        Ok(word)
    }

    fn word(&mut self) -> Result<String, String> {
        let _next = self.peek();
        let mut word = String::new();
        while let Some(next) = self
            .0
            .next_if(|next| next.is_ascii_alphanumeric() || *next == '_')
        {
            word.push(next);
        }
        if word.is_empty() {
            return Err("a name was expected".to_owned());
        }
        Ok(word)
    }

    fn text(&mut self) -> Result<String, String> {
        self.expect('\'')?;
        let mut text = String::new();
        // What a backslash means here is not understood.
        while let Some(next) = self.0.next_if(|next| !['\'', '\\'].contains(next)) {
            text.push(next);
        }
        self.expect('\'')?;
        Ok(text)
    }

    /// `or` binds weakest.
    pub(super) fn expression(&mut self) -> Result<Expression, String> {
        let mut left = self.conjunction()?;
        while self.takes_word("or") {
            left = Expression::Or(Box::new(left), Box::new(self.conjunction()?));
        }
        Ok(left)
    }

    fn conjunction(&mut self) -> Result<Expression, String> {
        let mut left = self.comparison()?;
        while self.takes_word("and") {
            left = Expression::And(Box::new(left), Box::new(self.comparison()?));
        }
        Ok(left)
    }

    fn comparison(&mut self) -> Result<Expression, String> {
        let left = Box::new(self.term()?);
        if self.takes('<') {
            return Ok(Expression::Less(left, Box::new(self.term()?)));
        }
        if self.takes('=') {
            self.expect('=')?;
            return Ok(Expression::Equal(left, Box::new(self.term()?)));
        }
        if self.takes_word("in") {
            self.expect('(')?;
            let texts = self.list(Self::text)?;
            if texts.is_empty() {
                return Err("`in` needs a text at least".to_owned());
            }
            return Ok(Expression::In(left, texts));
        }
        Ok(*left)
    }

    fn term(&mut self) -> Result<Expression, String> {
        let mut term = match self.peek() {
            Some('\'') => return Ok(Expression::Text(self.text()?)),
            Some('[') => {
                self.expect('[')?;
                let name = self.text()?;
                self.expect(']')?;
                Expression::Column(name)
            }
            _ => {
                let mut ahead = self.clone();
                let word = ahead.word()?;
                if let Some(days) = word.strip_suffix('d').and_then(|days| days.parse().ok()) {
                    *self = ahead;
                    return Ok(Expression::Days(days));
                }
                if ahead.takes('(') {
                    *self = ahead;
                    return self.call(&word);
                }
                if AMBIGUOUS.contains(&word.as_str()) {
                    return Err(quote(&word));
                }
                Expression::Column(self.name()?)
            }
        };
        while self.takes('.') {
            term = Expression::Member(Box::new(term), self.name()?);
        }
        Ok(term)
    }

    fn call(&mut self, name: &str) -> Result<Expression, String> {
        let function =
            Function::named(name).ok_or_else(|| format!("the function `{name}` is not known"))?;
        Ok(Expression::Call(function, self.list(Self::expression)?))
    }

    /// What stands between commas until the parenthesis closes.
    fn list<T>(&mut self, one: fn(&mut Self) -> Result<T, String>) -> Result<Vec<T>, String> {
        let mut list = Vec::new();
        while !self.takes(')') {
            if !list.is_empty() {
                self.expect(',')?;
            }
            list.push(one(self)?);
        }
        Ok(list)
    }
}

fn quote(word: &str) -> String {
    format!("`{word}` is a column only as ['{word}']")
}
