//! Text to tokens.

/// A token and where it begins.
pub(super) type Placed = (usize, Token);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Name(String),
    Text(String),
    Number(i64),
    /// `(`, `)`, `[`, `]`, `,` or `.`
    Mark(char),
}

pub(super) fn tokens(text: &str) -> Result<Vec<Placed>, String> {
    let mut letters = text.char_indices().peekable();
    let mut tokens = Vec::new();
    while let Some((at, letter)) = letters.next() {
        let mut word = |first: char, belongs: fn(char) -> bool| {
            let mut word = String::from(first);
            while let Some((_, next)) = letters.next_if(|(_, next)| belongs(*next)) {
                word.push(next);
            }
            word
        };
        let token = match letter {
            ' ' | '\t' | '\n' | '\r' => continue,
            '(' | ')' | '[' | ']' | ',' | '.' => Token::Mark(letter),
            '\'' => {
                let mut inner = String::new();
                loop {
                    match letters.next() {
                        // Two quotes stand for one.
                        Some((_, '\'')) => match letters.next_if(|(_, next)| *next == '\'') {
                            Some(_) => inner.push('\''),
                            None => break Token::Text(inner),
                        },
                        Some((_, letter)) => inner.push(letter),
                        None => return Err(format!("the text from {at} on has no end")),
                    }
                }
            }
            '-' | '0'..='9' => word(letter, |letter| letter.is_ascii_digit())
                .parse()
                .map(Token::Number)
                .map_err(|error| format!("no number at {at} ({error})"))?,
            'a'..='z' | 'A'..='Z' | '_' => Token::Name(word(letter, |letter| {
                letter.is_ascii_alphanumeric() || letter == '_'
            })),
            other => return Err(format!("unexpected `{other}` at {at}")),
        };
        tokens.push((at, token));
    }
    Ok(tokens)
}
