//! Functions that make names: the same input gives the same name, here as in Azure, but not the same
//! one as there.

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use uuid::Builder;

pub(super) fn call(name: &str, arguments: &[Value]) -> Option<Result<Value, String>> {
    match name {
        "uniqueString" => Some(digest(arguments).map(|digest| {
            let letter = |byte: &u8| char::from(b'a' + byte % 26);
            digest
                .iter()
                .take(13)
                .map(letter)
                .collect::<String>()
                .into()
        })),
        "guid" => Some(digest(arguments).map(|digest| {
            let bytes = digest.first_chunk().copied().unwrap_or_default();
            Builder::from_sha1_bytes(bytes)
                .into_uuid()
                .to_string()
                .into()
        })),
        _ => None,
    }
}

fn digest(arguments: &[Value]) -> Result<[u8; 32], String> {
    if arguments.is_empty() {
        return Err("needs something to begin with".to_owned());
    }
    let mut hash = Sha256::new();
    for argument in arguments {
        let text = argument
            .as_str()
            .ok_or_else(|| format!("{argument} is no text"))?;
        hash.update(text);
        hash.update([0]);
    }
    Ok(hash.finalize().into())
}
