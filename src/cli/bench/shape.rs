//! The text of a record with two gaps: a serial, which makes it unlike any other, and its time.

/// How many digits a serial has: always so many, so that equal shapes are equally long.
const SERIAL_DIGITS: usize = 8;
/// The largest serial.
pub(super) const LARGEST_SERIAL: usize = 99_999_999;
/// What stands before the digits, for them to be found again in a row.
const SIGN: &str = "bench";

const SERIAL_GAP: &str = "@SERIAL@";
const TIME_GAP: &str = "@TIME@";

/// A text with gaps.
#[derive(Debug)]
pub(super) struct Shape(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Serial,
    Time,
}

impl Shape {
    /// Takes `text` apart at its gaps.
    pub(super) fn new(text: &str) -> Self {
        let mut pieces = Vec::new();
        for (count, around) in text.split(SERIAL_GAP).enumerate() {
            if count > 0 {
                pieces.push(Piece::Serial);
            }
            for (count, piece) in around.split(TIME_GAP).enumerate() {
                if count > 0 {
                    pieces.push(Piece::Time);
                }
                pieces.push(Piece::Text(piece.to_owned()));
            }
        }
        Self(pieces)
    }

    /// Appends the text with both gaps filled.
    pub(super) fn write(&self, serial: usize, time: &str, into: &mut String) {
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => into.push_str(text),
                Piece::Serial => {
                    into.push_str(SIGN);
                    push_digits(serial, into);
                }
                Piece::Time => into.push_str(time),
            }
        }
    }
}

fn push_digits(serial: usize, into: &mut String) {
    let mut digits = [b'0'; SERIAL_DIGITS];
    let mut rest = serial;
    for digit in digits.iter_mut().rev() {
        *digit += u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
    }
    into.extend(digits.map(char::from));
}

/// The serial in the text of a row; `None` where there is none.
pub(super) fn serial_in(row: &str) -> Option<usize> {
    let row = row.as_bytes();
    let start = memchr::memmem::find(row, SIGN.as_bytes())? + SIGN.len();
    let digits = row.get(start..start + SERIAL_DIGITS)?;
    digits.iter().try_fold(0, |serial, digit| {
        digit
            .is_ascii_digit()
            .then(|| serial * 10 + usize::from(digit - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_filled_and_the_serial_is_found_again() {
        let shape = Shape::new(r#"{"id":"x-@SERIAL@","at":"@TIME@","again":"@SERIAL@"}"#);
        let mut text = String::new();
        shape.write(417, "noon", &mut text);
        assert_eq!(
            text,
            r#"{"id":"x-bench00000417","at":"noon","again":"bench00000417"}"#
        );
        assert_eq!(serial_in(&text), Some(417));
        text.clear();
        shape.write(LARGEST_SERIAL, "", &mut text);
        assert_eq!(serial_in(&text), Some(LARGEST_SERIAL));
        for row in ["", "{}", "bench", "bench1234567", "bench1234567x"] {
            assert_eq!(serial_in(row), None, "{row}");
        }
    }
}
