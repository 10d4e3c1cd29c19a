use super::*;

fn read(text: &str) -> (String, Option<(String, HmacKey)>) {
    let access = parse(text).unwrap();
    let signing = match access.signing {
        Signing::Key { account, key } => Some((account, key)),
        Signing::InAddress => None,
    };
    (access.endpoint.to_string(), signing)
}

fn key(text: &str) -> HmacKey {
    HmacKey::decode(&text.into()).unwrap()
}

#[test]
fn the_common_forms_are_read() {
    assert_eq!(
        read(
            "DefaultEndpointsProtocol=https;AccountName=acct;AccountKey=YWJjZA==;EndpointSuffix=core.windows.net"
        ),
        (
            "https://acct.blob.core.windows.net/".to_owned(),
            Some(("acct".to_owned(), key("YWJjZA==")))
        )
    );
    assert_eq!(
        read(" accountname=acct ; ACCOUNTKEY=YWJjZA== ;endpointsuffix=core.usgovcloudapi.net; "),
        (
            "https://acct.blob.core.usgovcloudapi.net/".to_owned(),
            Some(("acct".to_owned(), key("YWJjZA==")))
        )
    );
    assert_eq!(
        read("AccountName=acct;AccountKey=YWJjZA==;BlobEndpoint=http://127.0.0.1:4000/acct;QueueEndpoint=http://q").0,
        "http://127.0.0.1:4000/acct"
    );
    assert_eq!(
        read(
            "BlobEndpoint=https://acct.blob.core.windows.net/;SharedAccessSignature=sv=2024&sig=a%3D"
        ),
        (
            "https://acct.blob.core.windows.net/?sv=2024&sig=a%3D".to_owned(),
            None
        )
    );
}

#[test]
fn the_emulators_short_form_is_read() {
    let (endpoint, signing) = read("UseDevelopmentStorage=true");
    assert_eq!(endpoint, "http://127.0.0.1:10000/devstoreaccount1");
    assert_eq!(signing.unwrap().0, "devstoreaccount1");
    let (endpoint, _) =
        read("UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://azurite");
    assert_eq!(endpoint, "http://azurite:10000/devstoreaccount1");
}

#[test]
fn plain_http_is_for_this_machine_and_the_emulator_only() {
    const NOT_HTTPS: &str = "is not https; plain http is only for this machine and the emulator";
    for host in ["127.0.0.1:4000", "localhost", "[::1]:4000"] {
        let text = format!("BlobEndpoint=http://{host};SharedAccessSignature=sig=a");
        assert!(parse(&text).is_ok(), "{text}");
    }
    let (endpoint, _) = read(
        "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=YWJj;BlobEndpoint=http://azurite:10000/devstoreaccount1",
    );
    assert_eq!(endpoint, "http://azurite:10000/devstoreaccount1");
    for (text, name) in [
        (
            "BlobEndpoint=http://acct.blob.core.windows.net;AccountName=acct;AccountKey=YWJj",
            "BlobEndpoint",
        ),
        (
            "BlobEndpoint=http://10.0.0.1;SharedAccessSignature=sig=s3cr3t",
            "BlobEndpoint",
        ),
        (
            "BlobEndpoint=http://a.example;AccountName=devstoreaccount1;SharedAccessSignature=sig=s3cr3t",
            "BlobEndpoint",
        ),
        (
            "DefaultEndpointsProtocol=http;AccountName=acct;AccountKey=YWJj",
            "DefaultEndpointsProtocol",
        ),
        (
            "DefaultEndpointsProtocol=HTTP;AccountName=devstoreaccount1;AccountKey=YWJj",
            "DefaultEndpointsProtocol",
        ),
        (
            "DefaultEndpointsProtocol=https://a.example/?;AccountName=acct;AccountKey=YWJj",
            "DefaultEndpointsProtocol",
        ),
    ] {
        let error = parse(text).unwrap_err().to_string();
        assert_eq!(error, format!("`{name}` {NOT_HTTPS}"), "{text}");
    }
}

#[test]
fn neither_a_name_nor_a_suffix_leads_to_another_host() {
    for name in [
        "a.evil.test/",
        "evil.test/?",
        "u:p@evil.test#",
        "Acct",
        "ab",
    ] {
        for rest in ["", ";BlobEndpoint=https://acct.blob.core.windows.net"] {
            let text = format!("AccountName={name};AccountKey=YWJj{rest}");
            assert_eq!(
                parse(&text).unwrap_err().to_string(),
                "`AccountName` is not 3 to 24 lower-case letters and digits",
                "{text}"
            );
        }
    }
    for suffix in [
        "core.windows.net/path",
        "core.windows.net:8080",
        "p@evil.test",
        "x:p@evil.test",
        "core.windows.net?q",
        "core.windows.net#f",
        "core.windows.net\\p",
        ".evil.test",
        "evil..test",
        "evil test",
        "1.2.3.4",
    ] {
        let text = format!("AccountName=acct;AccountKey=YWJj;EndpointSuffix={suffix}");
        assert_eq!(
            parse(&text).unwrap_err().to_string(),
            "`EndpointSuffix` is no host name",
            "{text}"
        );
    }
}

#[test]
fn faults_are_named_and_the_key_is_not() {
    for (text, fault) in [
        ("", "`AccountName` is missing"),
        ("AccountName=acct", "`AccountKey` is missing"),
        ("AccountName=acct;s3cr3t", "part 2 is not NAME=VALUE"),
        (
            "AccountName=acct;AccountKey=s3cr3t!",
            "`AccountKey` is not base64",
        ),
        (
            "BlobEndpoint=https://u:s3cr3t@a.example;AccountName=acct;AccountKey=YWJj",
            "`BlobEndpoint` holds a user name or password",
        ),
        (
            "BlobEndpoint=https://a.example/?sig=s3cr3t;AccountName=acct;AccountKey=YWJj",
            "`BlobEndpoint` holds more than scheme, host and path; a signature belongs in SharedAccessSignature",
        ),
        (
            "AccountName=s3cr3t key;AccountKey=YWJj",
            "`AccountName` is not 3 to 24 lower-case letters and digits",
        ),
        (
            "BlobEndpoint=s3cr3t;AccountName=acct;AccountKey=YWJj",
            "`BlobEndpoint` gives no http or https address",
        ),
    ] {
        let error = parse(text).unwrap_err().to_string();
        assert_eq!(error, fault);
    }
    let access =
        parse("BlobEndpoint=https://a.blob.core.windows.net;SharedAccessSignature=sig=s3cr3t")
            .unwrap();
    assert!(!format!("{access:?}").contains("s3cr3t"));
}
