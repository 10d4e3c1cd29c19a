//! Who issued a certificate, for an error message.
//!
//! A certificate that is refused may hold anything. What cannot be read is left out, and nothing here
//! decides about trust. A whole parser of certificates would be a large dependency for one name.
//!
//! Sources: RFC 5280, section 4.1, for the members; X.690, section 8.1, for their encoding.

use crate::model::visible::visible;

/// The tag of a certificate's version, which the oldest kind does not have.
const VERSION: u8 = 0xa0;

/// The object identifiers 2.5.4.3 and 2.5.4.10.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const ORGANISATION: &[u8] = &[0x55, 0x04, 0x0a];

/// Elements of DER, each a tag and its content. They end at what is not DER.
struct Elements<'a>(&'a [u8]);

impl<'a> Iterator for Elements<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = if first < 0x80 {
            (usize::from(first), rest)
        } else {
            // The first byte counts those of the length.
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (number(bytes)?, rest)
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, content))
    }
}

/// A number of a few bytes, the highest first.
fn number(bytes: &[u8]) -> Option<usize> {
    bytes.iter().try_fold(0_usize, |number, byte| {
        number.checked_mul(0x100)?.checked_add(usize::from(*byte))
    })
}

/// The issuer's common name and organisation, as far as the certificate has them.
pub(super) fn issuer(certificate: &[u8]) -> Option<String> {
    let (_, certificate) = Elements(certificate).next()?;
    let (_, signed) = Elements(certificate).next()?;
    // The serial number and the algorithm come before the issuer.
    let mut members = Elements(signed).skip_while(|(tag, _)| *tag == VERSION);
    let (_, name) = members.nth(2)?;
    let parts = [COMMON_NAME, ORGANISATION].map(|kind| attribute(name, kind));
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// An attribute of a name, which is a sequence of sets of pairs: a kind and a text.
fn attribute(name: &[u8], kind: &[u8]) -> Option<String> {
    let mut pairs = Elements(name).flat_map(|(_, set)| Elements(set));
    let text = pairs.find_map(|(_, pair)| {
        let mut pair = Elements(pair);
        let (_, found) = pair.next()?;
        let (_, text) = pair.next()?;
        (found == kind).then_some(text)
    });
    text.map(|text| visible(&String::from_utf8_lossy(text)))
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::{CertificateDer, pem::PemObject};

    use super::*;

    const CERTIFICATE: &[u8] = include_bytes!("../../../tests/support/authority/server.pem");

    #[test]
    fn the_issuer_is_told_by_its_common_name_and_its_organisation() {
        let certificate = CertificateDer::from_pem_slice(CERTIFICATE).unwrap();
        let name = issuer(&certificate);
        assert_eq!(
            name.as_deref(),
            Some("Contoso TLS Inspection CA, Contoso Ltd")
        );
    }

    #[test]
    fn a_damaged_certificate_has_an_issuer_or_none_and_harms_nobody() {
        let whole = CertificateDer::from_pem_slice(CERTIFICATE).unwrap();
        assert_eq!(issuer(b""), None);
        assert_eq!(issuer(&[0x30, 0xff]), None);
        assert_eq!(issuer(&[0x30, 0x88, 1, 2, 3, 4, 5, 6, 7, 8]), None);
        assert_eq!(issuer(&[0x30, 0x89, 1, 2, 3, 4, 5, 6, 7, 8, 9]), None);
        for at in 0..whole.len() {
            assert_eq!(issuer(&whole[..at]), None, "cut at {at}");
            for value in [0, 0x7f, 0x80, 0x84, 0xff] {
                let mut damaged = whole.to_vec();
                damaged[at] = value;
                drop(issuer(&damaged));
            }
        }
    }
}
