//! Reading a JSON array of bounded length.
//!
//! A few bytes of JSON become dozens in memory. An array from outside that holds far more than was asked
//! for is refused before it is held.

use std::{fmt, marker::PhantomData};

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};

/// How the error about a longer array begins.
pub(crate) const TOO_LONG: &str = "an array has more than";

/// At most `MOST` elements; more are an error.
#[derive(Debug)]
pub(crate) struct AtMost<T, const MOST: usize>(pub(crate) Vec<T>);

impl<T, const MOST: usize> Default for AtMost<T, MOST> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>, const MOST: usize> Deserialize<'de> for AtMost<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Elements(PhantomData))
    }
}

struct Elements<T, const MOST: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for Elements<T, MOST> {
    type Value = AtMost<T, MOST>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an array of at most {MOST} elements")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = seq.next_element()? {
            if elements.len() == MOST {
                return Err(A::Error::custom(format_args!("{TOO_LONG} {MOST} elements")));
            }
            elements.push(element);
        }
        Ok(AtMost(elements))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_that_is_too_long_is_refused() {
        let read = |text: &str| serde_json::from_str::<AtMost<u8, 2>>(text);
        assert_eq!(read("[1,2]").unwrap().0, [1, 2]);
        let error = read("[1,2,3]").unwrap_err().to_string();
        assert!(error.contains("more than 2 elements"), "{error}");
        assert!(read("{}").is_err());
    }
}
