//! Makes damaged inputs out of sound ones, the same ones for the same seed on every machine.

/// What parsers of JSON, times and connection strings trip over.
const TOKENS: [&[u8]; 46] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\"",
    b"\\",
    b";",
    b"=",
    b"null",
    b"true",
    b"0",
    b"-0",
    b"1e999",
    b"-1.50E-400",
    b"123456789012345678901234567890",
    b"0x1f",
    b"NaN",
    b"\"\"",
    b"\"\\ud83d\"",
    b"\\ud83d",
    b"\\udd12",
    b"\\u0000",
    b"\\u+123",
    b"\\u",
    b"\\/",
    b"{}",
    b"[]",
    b"{\"date\":\"2026-03-02T08:00:14+0000\"}",
    b"\"date\":\"2026-03-02T08:00:60Z\",",
    b"\"d\\u0061te\":\"2026-03-02T08:00:14Z\",",
    b"\"eventTime\":\"9999-12-31T23:59:59.9999-0001\",",
    b"\"time_generated\":\"x\",",
    b"0001-01-01T00:00:00",
    b"2026-11-24T05:00:00Z",
    b"AccountKey=YWJjZA==;",
    b"SharedAccessSignature=?sv=1&sig=a%3D#x;",
    b"BlobEndpoint=http://a@b/?c#d;",
    b"\xef\xbb\xbf",
    b"\x00",
    b"\xff",
    b"\xc3",
    b"\xed\xa0\xbd",
    b"\xe2\x80\xa8",
    b"\r\n\t ",
];

/// A whole value and a whole member: these keep JSON sound where they are put behind a bracket.
const VALUES: [&[u8]; 8] = [
    b"{},",
    b"[1,\"]\"],",
    b"null,",
    b"1e5,",
    b"\"\\u00e9\\\\\",",
    b"{\"a\":{\"a\":1}},",
    b"\"}\",",
    b"-0.0,",
];
const MEMBERS: [&[u8]; 8] = [
    b"\"\":0,",
    b"\"date\":7,",
    b"\"a\\\"b\":{\"}\":[]},",
    b"\"time_generated\":\"then\",",
    b"\"\\ud83d\":\"\\udd12\",",
    b"\"n\":1.50,",
    b"\"n\":1e0,",
    b"\"IsPastDue\":true,",
];

/// The generator `SplitMix64`: a few lines that will give the same numbers for ever.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// Dice for one case; each case can be made without those before it.
    pub fn new(seed: u64, case: u64) -> Self {
        let mut dice = Self(seed ^ case.wrapping_mul(0xd134_2543_de82_ef95));
        dice.next();
        dice
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`; 0 for a bound of 0.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap().max(1);
        usize::try_from(self.next() % bound).unwrap()
    }

    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }

    fn span(&mut self, length: usize) -> std::ops::Range<usize> {
        let start = self.below(length + 1);
        // Mostly short: a long span leaves little to look at.
        let longest = if self.below(4) == 0 { length } else { 12 };
        start..(start + self.below(longest + 1)).min(length)
    }
}

/// One of `seeds`, changed in one way or in up to four: with more of them little stays sound.
pub fn mutated(seeds: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = seeds[dice.below(seeds.len())].clone();
    let most = [1, 1, 2, 4][dice.below(4)];
    for _ in 0..=dice.below(most) {
        change(&mut bytes, seeds, dice);
    }
    bytes
}

fn change(bytes: &mut Vec<u8>, seeds: &[Vec<u8>], dice: &mut Dice) {
    let length = bytes.len();
    match dice.below(15) {
        0 => {
            let at = dice.below(length);
            let bit = dice.below(8);
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << bit;
            }
        }
        1 => bytes.truncate(dice.below(length + 1)),
        2 => drop(bytes.drain(dice.span(length))),
        3 => {
            let copy = bytes[dice.span(length)].to_vec();
            insert(bytes, dice.below(length + 1), &copy);
        }
        4 => {
            let other = &seeds[dice.below(seeds.len())];
            bytes.truncate(dice.below(length + 1));
            bytes.extend_from_slice(&other[dice.below(other.len() + 1)..]);
        }
        5 => {
            let other = &seeds[dice.below(seeds.len())];
            insert(
                bytes,
                dice.below(length + 1),
                &other[dice.span(other.len())],
            );
        }
        6 => {
            let token = dice.pick(&TOKENS);
            insert(bytes, dice.below(length + 1), token);
        }
        7 => {
            let span = dice.span(length);
            let token = dice.pick(&TOKENS);
            bytes.splice(span, token.iter().copied());
        }
        8 => behind(bytes, b'[', dice.pick(&VALUES), dice),
        9 | 10 => behind(bytes, b'{', dice.pick(&MEMBERS), dice),
        11 => behind(bytes, b',', b"\r\n \t", dice),
        12 | 13 => {
            let digits: Vec<_> = (0..length)
                .filter(|at| bytes[*at].is_ascii_digit())
                .collect();
            if !digits.is_empty() {
                bytes[digits[dice.below(digits.len())]] = b"0123456789"[dice.below(10)];
            }
        }
        _ => nest(bytes, dice),
    }
}

/// Puts a value deep inside brackets; one time in four they do not close.
fn nest(bytes: &mut Vec<u8>, dice: &mut Dice) {
    let depth = [3, 40, 140, 3000][dice.below(4)];
    let (open, close): (&[u8], &[u8]) = [(&b"["[..], &b"]"[..]), (b"{\"a\":", b"}")][dice.below(2)];
    let mut nest = open.repeat(depth);
    nest.push(b'1');
    if dice.below(4) > 0 {
        nest.extend(close.repeat(depth));
    }
    nest.push(b',');
    if dice.below(2) == 0 {
        behind(bytes, b'[', &nest, dice);
    } else {
        nest.splice(0..0, b"\"deep\":".iter().copied());
        behind(bytes, b'{', &nest, dice);
    }
}

fn insert(bytes: &mut Vec<u8>, at: usize, what: &[u8]) {
    bytes.splice(at..at, what.iter().copied());
}

/// Puts `what` behind one of the `mark`s, if there is one.
fn behind(bytes: &mut Vec<u8>, mark: u8, what: &[u8], dice: &mut Dice) {
    let marks: Vec<_> = (0..bytes.len()).filter(|at| bytes[*at] == mark).collect();
    if !marks.is_empty() {
        insert(bytes, marks[dice.below(marks.len())] + 1, what);
    }
}
