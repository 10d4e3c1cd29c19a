//! Signatures that were computed elsewhere.

pub(in crate::log_analytics::data_collector) const WORKSPACE_ID: &str =
    "11111111-2222-3333-4444-555555555555";

/// The bytes 0 to 63.
pub(in crate::log_analytics::data_collector) const K1: &str =
    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw==";
pub(in crate::log_analytics::data_collector) const K2: &str =
    "0VlsNCWrUY3WST4kY6nbQgHq28s2uo4XDN7T9RgaCZvQ/iHI+5lIGev5dzoGD7NYjXub8arEf9yFPcdX+6oTmg==";

#[derive(Debug)]
pub(in crate::log_analytics::data_collector) struct Vector {
    pub(in crate::log_analytics::data_collector) name: &'static str,
    pub(in crate::log_analytics::data_collector) key: &'static str,
    pub(in crate::log_analytics::data_collector) date: &'static str,
    text: &'static str,
    pub(in crate::log_analytics::data_collector) signature: &'static str,
}

impl Vector {
    pub(in crate::log_analytics::data_collector) fn body(&self) -> Vec<u8> {
        if self.text == LARGE {
            [&b"[\""[..], &vec![b'a'; 3_145_724], b"\"]"].concat()
        } else {
            self.text.as_bytes().to_vec()
        }
    }

    pub(in crate::log_analytics::data_collector) fn authorization(&self) -> String {
        format!("SharedKey {WORKSPACE_ID}:{}", self.signature)
    }
}

/// Stands for an array with one text of 3,145,724 times `a`.
const LARGE: &str = "large";

const V1_DATE: &str = "Mon, 05 Jan 2026 09:07:03 GMT";
const V2_DATE: &str = "Tue, 03 Feb 2026 23:59:59 GMT";
const V2_BODY: &str = r#"[{"id":"evt-1","action":"block","hits":2}]"#;
const V3_DATE: &str = "Sun, 01 Mar 2026 00:00:00 GMT";
const V3_BODY: &str = r#"[{"subject":"Überweisung für Zoë – 請求書 ✉"}]"#;
const V4_DATE: &str = "Fri, 31 Jul 2026 12:30:45 GMT";
const V4_BODY: &str = r#"[{"subject":"📎 déjà vu"},{"subject":"日本"}]"#;

pub(in crate::log_analytics::data_collector) const GOOD: &[Vector] = &[
    Vector {
        name: "V1, empty",
        key: K1,
        date: V1_DATE,
        text: "[]",
        signature: "pyjTV+wuZyYTax9CHqDbnQhUXowF+MMvP1AJTlRMDIU=",
    },
    Vector {
        name: "V2, plain",
        key: K1,
        date: V2_DATE,
        text: V2_BODY,
        signature: "IOkk7gtjwpkulLcFoUrXbI2Hgyx+/XmXa8cKOwnZgd4=",
    },
    Vector {
        name: "V3, more bytes than characters",
        key: K1,
        date: V3_DATE,
        text: V3_BODY,
        signature: "LaDNG3xeGQbJHE6lzMKMmVm2qfpw0A/I3QbZq/vWj4E=",
    },
    Vector {
        name: "V4, beyond the basic plane",
        key: K1,
        date: V4_DATE,
        text: V4_BODY,
        signature: "t0myTgYstt/pYGu7aGfbbZXE+1eNVXzEYkMvS6EBP1A=",
    },
    Vector {
        name: "V5, another key",
        key: K2,
        date: V2_DATE,
        text: V2_BODY,
        signature: "ZlPpNOiGI9UNtvHGb16iPlHLyn5Z4DnJw40HwNndIBY=",
    },
    Vector {
        name: "V6, three megabytes",
        key: K1,
        date: V1_DATE,
        text: LARGE,
        signature: "IymjbdnPBLCAjzGoUBm+EyfvFXpWthJ/YovUrZm9UgA=",
    },
];

pub(in crate::log_analytics::data_collector) const BAD: &[Vector] = &[
    Vector {
        name: "V3 counted in characters",
        key: K1,
        date: V3_DATE,
        text: V3_BODY,
        signature: "NSrFdL0Tu9JmO1DoHF7xdvkVEYbrLfjSmBpsirIaGj0=",
    },
    Vector {
        name: "V4 counted in characters",
        key: K1,
        date: V4_DATE,
        text: V4_BODY,
        signature: "u3czxZEUo507YpRNLMfxEvlx2uU6BLvvG3yfI6oak+s=",
    },
    Vector {
        name: "V2 signed with a charset",
        key: K1,
        date: V2_DATE,
        text: V2_BODY,
        signature: "oIMMAQ0mTrnAazfCud52ekJR1wgg9PMjDsqp9j5z/IQ=",
    },
    Vector {
        name: "V2 signed with the text of the key",
        key: K1,
        date: V2_DATE,
        text: V2_BODY,
        signature: "cP5vawkx1Xy4THC/RFpVsWY1kbArOD5sXhGgQ0L0mpk=",
    },
];
