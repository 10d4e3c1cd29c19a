//! Reproducible randomness.

/// The step of splitmix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators").
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// A splitmix64 generator. It is written out here, because a library may change its numbers with a
/// new version, and with them every scenario and every seed noted in a bug report.
#[derive(Debug, Clone)]
pub(super) struct Dice(u64);

impl Dice {
    /// Dice for one purpose: different `parts` give unrelated numbers.
    pub(super) fn new(seed: u64, parts: &[u64]) -> Self {
        let start = mix(seed.wrapping_add(STEP));
        Self(parts.iter().fold(start, |state, part| {
            mix(state ^ mix(part.wrapping_add(STEP))).wrapping_add(STEP)
        }))
    }

    /// The next 64 bits.
    pub(super) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mix(self.0)
    }

    /// A number under `bound`; 0 where `bound` is 0.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.roll()) * u128::from(bound)) >> 64) as u64
    }

    /// An index into something of length `len`; 0 where it is empty.
    pub(super) fn index(&mut self, len: usize) -> usize {
        let index = self.below(u64::try_from(len).unwrap_or(u64::MAX));
        usize::try_from(index).unwrap_or(0)
    }

    /// True in `share` out of a thousand cases.
    pub(super) fn per_mille(&mut self, share: u64) -> bool {
        self.below(1000) < share
    }

    /// True in this share of cases, where 1.0 is always.
    pub(super) fn share(&mut self, share: f64) -> bool {
        let bits = u32::try_from(self.roll() >> 32).unwrap_or(u32::MAX);
        f64::from(bits) < share * (f64::from(u32::MAX) + 1.0)
    }

    /// One of `choices`, which are never empty here.
    pub(super) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.index(choices.len())]
    }

    /// `digits` lower case hex digits.
    pub(super) fn hex(&mut self, digits: usize) -> String {
        let mut text = String::with_capacity(digits + 16);
        while text.len() < digits {
            let mut bits = self.roll();
            for _ in 0..16 {
                let nibble = u32::try_from(bits & 15).unwrap_or(0);
                text.push(char::from_digit(nibble, 16).unwrap_or('0'));
                bits >>= 4;
            }
        }
        text.truncate(digits);
        text
    }
}

/// The finaliser of splitmix64.
fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_splitmix64() {
        // The first numbers of the reference implementation for the state 1234567.
        let mut dice = Dice(1_234_567);
        let rolled: Vec<_> = (0..3).map(|_| dice.roll()).collect();
        assert_eq!(
            rolled,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423
            ]
        );
    }

    #[test]
    fn a_share_is_met_and_the_ends_are_exact() {
        let mut dice = Dice::new(7, &[1]);
        assert!((0..1000).all(|_| dice.share(1.0)));
        assert!((0..1000).all(|_| !dice.share(0.0)));
        let hits = (0..10_000).filter(|_| dice.share(0.25)).count();
        assert!((2300..2700).contains(&hits), "{hits}");
        assert!((0..1000).all(|_| dice.below(7) < 7));
        assert_eq!(dice.hex(21).len(), 21);
    }
}
