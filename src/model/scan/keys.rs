//! Names of members that were met, each with a rank in the order of their bytes.

use crate::model::fingerprint::form;

/// How many names are kept: a feed's records have about forty members, those of nested objects included. Their ranks fit into one word.
pub(super) const MOST: usize = 64;

/// Places in the table by which a name is found that was not guessed.
const PLACES: usize = 256;

/// No name's number.
const NONE: u8 = u8::MAX;

/// A name's number, in the order in which names were met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key(u8);

/// What came before a name.
#[derive(Debug, Clone, Copy)]
pub(super) enum Preceding {
    /// The opening of a record.
    Record,
    /// The opening of the object, or array of objects, that has this name.
    Opening(Key),
    /// The member of this name.
    Member(Key),
}

impl Preceding {
    const ALL: usize = 2 * MOST + 1;

    fn place(self) -> usize {
        match self {
            Self::Member(key) => usize::from(key.0),
            Self::Opening(key) => MOST + usize::from(key.0),
            Self::Record => 2 * MOST,
        }
    }
}

/// The first bytes of a name's token, to be compared in a few words and without a call.
type Words = [u64; 4];

/// How many bytes [`Words`] hold.
const WORDS_BYTES: usize = size_of::<Words>();

#[inline]
fn words(bytes: &[u8; WORDS_BYTES]) -> Words {
    let (words, _) = bytes.as_chunks::<8>();
    std::array::from_fn(|index| u64::from_le_bytes(words[index]))
}

#[derive(Debug)]
struct Name {
    /// As it stands in a record: quotes and colon with it.
    token: Box<[u8]>,
    /// Its beginning, with zeros after it.
    begin: Words,
    /// Which bits of `begin` count.
    mask: Words,
    rank: usize,
    /// Whether the member of this name holds a record's time.
    tells_time: bool,
}

impl Name {
    fn new(text: &[u8], rank: usize, tells_time: bool) -> Self {
        let token = [b"\"", text, b"\":"].concat();
        let length = token.len().min(WORDS_BYTES);
        let (mut begin, mut mask) = ([0; WORDS_BYTES], [0; WORDS_BYTES]);
        begin[..length].copy_from_slice(&token[..length]);
        mask[..length].fill(u8::MAX);
        Self {
            token: token.into(),
            begin: words(&begin),
            mask: words(&mask),
            rank,
            tells_time,
        }
    }

    /// Whether `rest` begins with the token.
    #[inline]
    fn begins(&self, rest: &[u8]) -> bool {
        match rest.first_chunk() {
            Some(first) if self.token.len() <= WORDS_BYTES => {
                let first = words(first);
                let differ = |index: usize| first[index] & self.mask[index] ^ self.begin[index];
                differ(0) | differ(1) | differ(2) | differ(3) == 0
            }
            _ => rest.starts_with(&self.token),
        }
    }

    fn text(&self) -> &[u8] {
        &self.token[1..self.token.len() - 2]
    }
}

#[derive(Debug)]
pub(super) struct Keys {
    time_member: &'static [u8],
    names: Vec<Name>,
    by_rank: Vec<Key>,
    /// The names in their canonical form, one after the other in the order of their ranks.
    forms: Vec<u8>,
    /// Where each ends.
    form_ends: Vec<usize>,
    /// What followed each thing that may come before, the last two times.
    next: [[Key; 2]; Preceding::ALL],
    /// Names by some of their letters. Where two share a place, the later one has it.
    table: [u8; PLACES],
}

/// A place in the table for a name.
fn place(text: &[u8]) -> usize {
    let byte = |at: usize| text.get(at).copied().map_or(0, usize::from);
    let mixed = byte(0) + 3 * byte(text.len() / 2) + 7 * byte(text.len().wrapping_sub(1));
    (mixed + 31 * text.len()) % PLACES
}

impl Keys {
    pub(super) const fn new(time_member: &'static str) -> Self {
        Self {
            time_member: time_member.as_bytes(),
            names: Vec::new(),
            by_rank: Vec::new(),
            forms: Vec::new(),
            form_ends: Vec::new(),
            next: [[Key(NONE); 2]; Preceding::ALL],
            table: [NONE; PLACES],
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.names.len() == MOST
    }

    /// The name that followed one of the last two times, if `rest` begins with it; and how long its
    /// token is.
    #[inline]
    pub(super) fn guess(&self, previous: Preceding, rest: &[u8]) -> Option<(Key, usize)> {
        self.next[previous.place()].iter().find_map(|key| {
            let name = self.names.get(usize::from(key.0))?;
            name.begins(rest).then_some((*key, name.token.len()))
        })
    }

    /// Finds a name and remembers that it followed `previous`.
    pub(super) fn find(&mut self, previous: Preceding, text: &[u8]) -> Option<Key> {
        let likely = Key(self.table[place(text)]);
        let key = match self.names.get(usize::from(likely.0)) {
            Some(name) if name.text() == text => likely,
            _ => self.by_rank[self.search(text).ok()?],
        };
        let next = &mut self.next[previous.place()];
        *next = [key, next[0]];
        Some(key)
    }

    /// Takes in a name that was not found. Ranks of others change.
    pub(super) fn add(&mut self, text: &[u8]) {
        let (Err(rank), Ok(number)) = (self.search(text), u8::try_from(self.names.len())) else {
            return;
        };
        let tells_time = text == self.time_member;
        self.names.push(Name::new(text, rank, tells_time));
        self.table[place(text)] = number;
        self.by_rank.insert(rank, Key(number));
        self.forms.clear();
        self.form_ends.clear();
        for (rank, key) in self.by_rank.iter().enumerate() {
            let name = &mut self.names[usize::from(key.0)];
            name.rank = rank;
            form::string(&mut self.forms, name.text());
            self.form_ends.push(self.forms.len());
        }
    }

    pub(super) fn rank(&self, key: Key) -> usize {
        self.names[usize::from(key.0)].rank
    }

    /// Whether the member of this name holds a record's time.
    pub(super) fn tells_time(&self, key: Key) -> bool {
        self.names[usize::from(key.0)].tells_time
    }

    /// The canonical form of the name of this rank.
    pub(super) fn form_at(&self, rank: usize) -> &[u8] {
        let start = rank.checked_sub(1).map_or(0, |rank| self.form_ends[rank]);
        &self.forms[start..self.form_ends[rank]]
    }

    pub(super) fn at(&self, rank: usize) -> Key {
        self.by_rank[rank]
    }

    fn search(&self, text: &[u8]) -> Result<usize, usize> {
        self.by_rank
            .binary_search_by(|key| self.names[usize::from(key.0)].text().cmp(text))
    }
}
