//! Functions on ranges of addresses, as Azure's documentation of the template functions for CIDR has them: of
//! IPv4 only.

use std::net::Ipv4Addr;

use serde_json::Value;

pub(super) fn call(name: &str, arguments: &[Value]) -> Option<Result<Value, String>> {
    match (name, arguments) {
        (
            "cidrSubnet",
            [
                Value::String(network),
                Value::Number(length),
                Value::Number(index),
            ],
        ) => {
            let subnet = subnet(network, length.as_u64()?, index.as_u64()?);
            let refused = || format!("{network} has no subnet {index} of length {length}");
            Some(subnet.map(Value::from).ok_or_else(refused))
        }
        _ => None,
    }
}

/// One of the parts of a network that have prefixes of that length.
fn subnet(network: &str, length: u64, index: u64) -> Option<String> {
    let (address, prefix) = network.split_once('/')?;
    let address: u64 = u32::from(address.parse::<Ipv4Addr>().ok()?).into();
    let prefix: u64 = prefix.parse().ok()?;
    let parts = 1_u64.checked_shl(u32::try_from(length.checked_sub(prefix)?).ok()?)?;
    let size = 1_u64 << 32_u64.checked_sub(length)?;
    if index >= parts {
        return None;
    }
    let whole = size * parts;
    let first = address - address % whole;
    let part = u32::try_from(first + size * index).ok()?;
    Some(format!("{}/{length}", Ipv4Addr::from(part)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_network_is_split_as_the_documentation_splits_it() {
        let part = |network: &str, length: u64, index: u64| {
            call("cidrSubnet", &[json!(network), json!(length), json!(index)]).unwrap()
        };
        let four: Vec<_> = (0..4)
            .map(|index| part("10.144.0.0/20", 24, index))
            .collect();
        assert_eq!(
            four,
            [
                "10.144.0.0/24",
                "10.144.1.0/24",
                "10.144.2.0/24",
                "10.144.3.0/24"
            ]
            .map(|part| Ok(json!(part)))
        );
        assert_eq!(part("10.64.0.77/24", 26, 1), Ok(json!("10.64.0.64/26")));
        assert_eq!(part("10.64.0.0/26", 26, 0), Ok(json!("10.64.0.0/26")));
        for (network, length, index) in [
            ("10.64.0.0/26", 26, 1),
            ("10.64.0.0/27", 26, 0),
            ("10.64.0.0", 26, 0),
            ("10.64.0/24", 26, 0),
            ("10.64.0.0/24", 33, 0),
            ("10.64.0.0/24", 26, u64::MAX),
        ] {
            assert!(part(network, length, index).is_err(), "{network} {length}");
        }
    }
}
