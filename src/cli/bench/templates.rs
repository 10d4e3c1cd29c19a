//! What the records look like: some of each log, with the members that Mimecast gives and about as
//! long as real ones, 0.8 KB. Text with escapes and without, lists, objects in objects.

use super::shape::Shape;
use simulators::log::Log;

/// The shapes of a log's records; they take turns.
pub(super) fn shapes(log: Log) -> Vec<Shape> {
    let texts: &[&str] = match log {
        Log::Url => &URL,
        Log::Attachment => &ATTACHMENT,
        Log::Impersonation => &IMPERSONATION,
    };
    texts.iter().map(|text| Shape::new(text)).collect()
}

const URL: [&str; 3] = [
    r#"{"userEmailAddress":"anna.lindqvist@contoso.example","fromUserEmailAddress":"news@adventure-works.example","url":"https:\/\/click.adventure-works.example\/t?c=417&l=sale-@SERIAL@&utm_source=newsletter&utm_campaign=%D0%B2%D0%B5%D1%81%D0%BD%D0%B0&redir=https%3A%2F%2Fwww.adventure-works.example%2Foffers%3Fa%3D1%26b%3D2","ttpDefinition":"Inbound URL 'Aggressive'","subject":"Fr\u00fchling: \"alles\" um 30 % g\u00fcnstiger \ud83c\udf37","action":"allow","adminOverride":"N/A","userOverride":"None","scanResult":"clean","category":"Shopping","sendingIp":"203.0.113.27","userAwarenessAction":"Continue","date":"@TIME@","actions":"Allow","route":"inbound","creationMethod":"User Click","emailPartsDescription":["Body"],"messageId":"<417.20260302.@SERIAL@@mail.adventure-works.example>"}"#,
    r#"{"userEmailAddress":"j.weber@contoso.example","fromUserEmailAddress":"no-reply@c0ntoso.example","url":"https://c0ntoso.example/войти/登录/verify?id=é🔒&u=5f0c2d1e58&l=account-@SERIAL@","ttpDefinition":"Default Inbound URL Protect Definition","subject":"Action required: confirm your mailbox \"quota\"","action":"block","adminOverride":"N/A","userOverride":"None","scanResult":"malicious","category":"Phishing & Fraud","sendingIp":"198.51.100.9","userAwarenessAction":"N/A","date":"@TIME@","actions":"Block","route":"inbound","creationMethod":"Entry Scan","emailPartsDescription":["Body","Attachment"],"messageId":"<@SERIAL@.q7@c0ntoso.example>","tagMap":{"UrlReputationScan":{"Status:Blocked":[],"Type":["Phishing & Fraud"],"Url":["https://c0ntoso.example/verify"],"UrlBlock":[]}}}"#,
    r#"{"userEmailAddress":"hélène.dubois@contoso.example","fromUserEmailAddress":"orders@northwind.example","url":"https://share.northwind.example/s/plans/2026/Übersicht?next=%2F&v=1b7c9a04&l=doc-@SERIAL@","ttpDefinition":"Inbound URL 'Aggressive'","subject":"Re: site plan (rev. 4), données \"brutes\" et C:\\plans\\2026","action":"allow","adminOverride":"N/A","userOverride":"None","scanResult":"clean","category":"Computers & Technology","sendingIp":"192.0.2.140","userAwarenessAction":"NA","date":"@TIME@","actions":"None","route":"inbound","creationMethod":"User Click","emailPartsDescription":[],"messageId":"<CAF+x9k2@SERIAL@Rw=w@mail.northwind.example>","advancedPhishingResult":{"CredentialTheftBrands":"","CredentialTheftTags":[],"CredentialTheftEvidence":null}}"#,
];

const ATTACHMENT: [&str; 2] = [
    r#"{"senderAddress":"billing@wo0dgrove.example","recipientAddress":"anna.lindqvist@contoso.example","fileName":"INV-20417 @SERIAL@.docm","fileType":"application/vnd.ms-word.document.macroEnabled.12","result":"malicious","actionTriggered":"block, none","date":"@TIME@","details":"[MALICIOUS_ACTIVITY: Exploit: macro starts a hidden command shell\nSUSPICIOUS_ACTIVITY: contacts 203.0.113.77:8443\nTime taken: 0 hrs, 2 min, 41 sec]","route":"inbound","messageId":"<@SERIAL@.inv@wo0dgrove.example>","subject":"Overdue invoice \u2013 \"final\" reminder \u26a0\ufe0f","fileHash":"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08","definition":"Inbound - Pre-emptive"}"#,
    r#"{"senderAddress":"hélène.dubois@proseware.example","recipientAddress":"partner@contoso.example","fileName":"契約書(最終版)_Vertragsübersicht_договор_Anlage01_Anlage02 @SERIAL@.xlsx","fileType":"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet","result":"safe","actionTriggered":"user release, none","date":"@TIME@","details":"Safe                                              \r\nTime taken: 0 hrs, 0 min, 7 sec","route":"inbound","messageId":"<CAF+x9k2@SERIAL@Rw=w@mail.proseware.example>","subject":"Vertrag 📄 zur Prüfung, C:\\Ablage\\2026\\März","fileHash":"2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae","definition":"Inbound - Safe file with On-Demand Sandbox"}"#,
];

const IMPERSONATION: [&str; 2] = [
    r#"{"id":"MTOKEN:eNqrVkouLS7Jz00tSs5PSVWyUnKOijIwcDRU0lHKTFGyMjE0NDUwMDDUUSpLLSrOzM9TsjLUUfe-@SERIAL@","senderAddress":"ceo.office41@freemail.example","recipientAddress":"j.weber@contoso.example","subject":"Urgent: \"wire\" today","definition":"IP - 2 hits (Hold for Review / User Hold)","hits":2,"identifiers":["internal_user_name","targeted_threat_dictionary"],"action":"hold","taggedExternal":false,"taggedMalicious":true,"senderIpAddress":"198.51.100.201","eventTime":"@TIME@","impersonationResults":[{"impersonationDomainSource":"internal_user_name","similarDomain":"Grace Okafor <grace.okafor@contoso.example>","stringSimilarToDomain":"Grace Okafor","checkerResult":"hit"},{"impersonationDomainSource":"targeted_threat_dictionary","stringSimilarToDomain":"urgent,wire,transfer"}],"messageId":"<@SERIAL@.ceo@freemail.example>"}"#,
    r#"{"id":"MTOKEN:eNqrVkouLS7Jz00tSs5PSVWyUnKOijIwcDRU0lHKTFGyMjE0NDUwMDDUUSpLLSrOzM9TsjLUUab-@SERIAL@","senderAddress":"søren.åkesson@c0ntoso.example","recipientAddress":"hélène.dubois@contoso.example","subject":"Re: \"salary\" slip / Neue Bankverbindung \ud83d\udcb4","definition":"IP - 1 hit (Tag email)","hits":1,"identifiers":["similar_internal_domain"],"action":"none","taggedExternal":true,"taggedMalicious":true,"senderIpAddress":"203.0.113.5","eventTime":"@TIME@","impersonationResults":[{"impersonationDomainSource":"similar_internal_domain","similarDomain":"contoso.example","stringSimilarToDomain":"c0ntoso.example","checkerResult":"hit"}],"messageId":"<CAF+x9k2@SERIAL@Rw=w@mail.c0ntoso.example>"}"#,
];
