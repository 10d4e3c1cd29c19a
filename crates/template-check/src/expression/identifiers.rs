//! Functions that make names out of texts. They return what Azure returns: `engine/expressions.tsv` has true
//! values of both.

use serde_json::Value;
use uuid::Uuid;

/// The namespace of the UUIDs that `guid()` makes.
const NAMESPACE: Uuid = Uuid::from_u128(0x11fb_06fb_712d_4ddd_98c7_e71b_bd58_8830);

pub(super) fn call(name: &str, arguments: &[Value]) -> Option<Result<Value, String>> {
    let make = match name {
        "uniqueString" => unique_string,
        "guid" => guid,
        _ => return None,
    };
    Some(joined(arguments).map(|text| make(&text).into()))
}

/// The arguments as one text.
fn joined(arguments: &[Value]) -> Result<String, String> {
    if arguments.is_empty() {
        return Err("needs something to begin with".to_owned());
    }
    let texts = arguments
        .iter()
        .map(|argument| argument.as_str().ok_or(argument));
    let texts: Result<Vec<_>, _> = texts.collect();
    texts
        .map(|texts| texts.join("-"))
        .map_err(|other| format!("{other} is no text"))
}

/// A UUID of version 5.
fn guid(text: &str) -> String {
    Uuid::new_v5(&NAMESPACE, text.as_bytes()).to_string()
}

/// 13 characters of base 32: five bits of the hash each, from the top.
fn unique_string(text: &str) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let hash = hash(text.as_bytes());
    let letter = |place: u32| usize::try_from((hash << (5 * place)) >> 59).unwrap_or_default();
    (0..13)
        .map(|place| char::from(LETTERS[letter(place)]))
        .collect()
}

/// What one lane of the hash does with a word.
struct Lane {
    before: u32,
    rotate: u32,
    after: u32,
}

const LANES: [Lane; 2] = [
    Lane {
        before: 0x239b_961b,
        rotate: 15,
        after: 0xab0e_9789,
    },
    Lane {
        before: 0xab0e_9789,
        rotate: 17,
        after: 0x239b_961b,
    },
];

impl Lane {
    fn mix(&self, word: &[u8]) -> u32 {
        let mut bytes = [0; 4];
        bytes[..word.len()].copy_from_slice(word);
        u32::from_le_bytes(bytes)
            .wrapping_mul(self.before)
            .rotate_left(self.rotate)
            .wrapping_mul(self.after)
    }
}

/// `MurmurHash3` in two lanes of 32 bits, with the seed 0. It matches none of the published variants: the
/// second lane has the constants of the first, the other way round.
fn hash(bytes: &[u8]) -> u64 {
    let [lane_1, lane_2] = LANES;
    let (mut h1, mut h2) = (0_u32, 0_u32);
    let (blocks, rest) = bytes.as_chunks::<8>();
    for block in blocks {
        let (first, second) = block.split_at(4);
        h1 = (h1 ^ lane_1.mix(first)).rotate_left(19).wrapping_add(h2);
        h1 = h1.wrapping_mul(5).wrapping_add(0x561c_cd1b);
        h2 = (h2 ^ lane_2.mix(second)).rotate_left(13).wrapping_add(h1);
        h2 = h2.wrapping_mul(5).wrapping_add(0x0bca_a747);
    }
    let (first, second) = rest.split_at(rest.len().min(4));
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    h1 ^= lane_1.mix(first) ^ length;
    h2 ^= lane_2.mix(second) ^ length;
    (h1, h2) = blend(h1, h2);
    (h1, h2) = blend(finish(h1), finish(h2));
    u64::from(h2) << 32 | u64::from(h1)
}

fn blend(h1: u32, h2: u32) -> (u32, u32) {
    let h1 = h1.wrapping_add(h2);
    (h1, h2.wrapping_add(h1))
}

fn finish(hash: u32) -> u32 {
    let hash = (hash ^ hash >> 16).wrapping_mul(0x85eb_ca6b);
    let hash = (hash ^ hash >> 13).wrapping_mul(0xc2b2_ae35);
    hash ^ hash >> 16
}
