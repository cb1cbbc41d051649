//! The rule of each setting: one phrase for error messages, and the checks that a type alone cannot
//! express.

use keys::NodeRole;
use libp2p::multiaddr::Protocol;
use tracing_subscriber::EnvFilter;

use super::Config;

/// Key and rule of each setting, with an example, in the order of the template.
const RULES: &[(&str, &str)] = &[
    ("node.role", "\"validator\" or \"follower\""),
    ("p2p.listen", "a TCP multiaddress such as \"/ip4/0.0.0.0/tcp/7640\""),
    ("p2p.external_addresses", "multiaddresses such as \"/dns4/node.example.org/tcp/7640\""),
    ("p2p.peers", "multiaddresses with a peer id, \"/ip4/192.0.2.1/tcp/7640/p2p/12D3Koo…\""),
    ("p2p.allow", "peer ids such as \"12D3Koo…\"; empty allows every peer of the network"),
    ("rpc.listen", "an address and port such as \"127.0.0.1:7641\""),
    ("rpc.public_url", "an http or https URL such as \"https://node.example.org\", or empty"),
    ("rpc.trusted_proxies", "IP addresses of proxies such as \"127.0.0.1\""),
    ("rpc.status_check_from", "networks such as \"10.0.0.0/8\""),
    ("rpc.public_on_validator", "true or false"),
    ("rpc.connections_max", "a whole number from 1"),
    ("rpc.connections_per_address_max", "a whole number from 1, at most rpc.connections_max"),
    ("rpc.subscriptions_per_connection_max", "a whole number from 1"),
    ("rpc.batch_entries_max", "a whole number from 1"),
    ("rpc.concurrent_requests_max", "a whole number from 1"),
    ("rpc.requests_per_second_per_address", "a whole number from 1"),
    ("rpc.request_burst_per_address", "a whole number from 1"),
    ("rpc.request_timeout_ms", "milliseconds, a whole number from 1"),
    ("admin.listen", "a loopback address and port such as \"127.0.0.1:7642\""),
    ("log.level", "a level such as \"info\", or directives such as \"info,libp2p=warn\""),
    ("log.format", "\"auto\", \"human\" or \"json\""),
    ("storage.path", "a directory; a relative path is inside HOME"),
    ("storage.block_cache_mib", "MiB, a whole number from 1"),
];

/// The rule of `key` in words.
pub(super) fn rule(key: &str) -> &'static str {
    RULES.iter().find(|(known, _)| *known == key).map_or("a known setting", |(_, rule)| rule)
}

/// A rule that a configuration with valid types breaks.
pub(super) struct Broken {
    /// Key of the setting to change.
    pub(super) key: &'static str,
    /// Description of the mistake and its remedy.
    pub(super) reason: String,
}

/// Checks the rules within and between settings. Returns all that are broken.
pub(super) fn check(config: &Config) -> Vec<Broken> {
    let mut broken = Vec::new();
    let mut refuse = |key, reason: String| broken.push(Broken { key, reason });
    check_listeners(config, &mut refuse);
    check_limits(config, &mut refuse);
    for peer in &config.p2p.peers {
        if !matches!(peer.iter().last(), Some(Protocol::P2p(_))) {
            refuse("p2p.peers", format!("{peer} names no peer; append /p2p/<peer id>"));
        }
    }
    if let Err(error) = EnvFilter::try_new(&config.log.level) {
        refuse("log.level", error.to_string());
    }
    if let Some(url) = &config.rpc.public_url
        && !["http", "https"].contains(&url.scheme())
    {
        refuse("rpc.public_url", format!("the scheme {} is not served", url.scheme()));
    }
    broken
}

fn check_listeners(config: &Config, refuse: &mut impl FnMut(&'static str, String)) {
    let rpc = config.rpc.listen;
    let admin = config.admin.listen;
    if !config.p2p.listen.iter().any(|part| matches!(part, Protocol::Tcp(_))) {
        refuse("p2p.listen", format!("{} has no /tcp/ port", config.p2p.listen));
    }
    if !admin.ip().is_loopback() {
        let remedy = "it has no authentication; use 127.0.0.1 and a tunnel";
        refuse("admin.listen", format!("{admin} is not loopback: {remedy}"));
    }
    if rpc == admin && rpc.port() != 0 {
        refuse("admin.listen", format!("{admin} is taken by rpc.listen; use another port"));
    }
    let validator = config.node.role == NodeRole::Validator;
    if validator && !rpc.ip().is_loopback() && !config.rpc.public_on_validator {
        let remedy = "bind 127.0.0.1, or set rpc.public_on_validator = true";
        refuse("rpc.listen", format!("{rpc} exposes a validator to the public; {remedy}"));
    }
}

fn check_limits(config: &Config, refuse: &mut impl FnMut(&'static str, String)) {
    let rpc = &config.rpc;
    for (key, value) in [
        ("rpc.connections_max", u64::from(rpc.connections_max)),
        ("rpc.connections_per_address_max", u64::from(rpc.connections_per_address_max)),
        ("rpc.subscriptions_per_connection_max", u64::from(rpc.subscriptions_per_connection_max)),
        ("rpc.batch_entries_max", u64::from(rpc.batch_entries_max)),
        ("rpc.concurrent_requests_max", u64::from(rpc.concurrent_requests_max)),
        ("rpc.requests_per_second_per_address", u64::from(rpc.requests_per_second_per_address)),
        ("rpc.request_burst_per_address", u64::from(rpc.request_burst_per_address)),
        ("rpc.request_timeout_ms", rpc.request_timeout_ms),
        ("storage.block_cache_mib", u64::from(config.storage.block_cache_mib)),
    ] {
        if value == 0 {
            refuse(key, "0 would refuse everything".to_owned());
        }
    }
    if rpc.connections_per_address_max > rpc.connections_max {
        let (one, all) = (rpc.connections_per_address_max, rpc.connections_max);
        refuse("rpc.connections_per_address_max", format!("{one} is more than {all}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken_keys(change: impl FnOnce(&mut Config)) -> Vec<&'static str> {
        let mut config = Config::default();
        change(&mut config);
        check(&config).into_iter().map(|broken| broken.key).collect()
    }

    #[test]
    fn defaults_break_no_rule_and_bind_loopback() {
        assert!(broken_keys(|_| ()).is_empty());
        let config = Config::default();
        assert!(config.rpc.listen.ip().is_loopback() && config.admin.listen.ip().is_loopback());
    }

    #[test]
    fn a_validator_needs_consent_for_a_public_rpc() {
        let public = |config: &mut Config| {
            config.node.role = NodeRole::Validator;
            config.rpc.listen = ([0, 0, 0, 0], 7641).into();
        };
        assert_eq!(broken_keys(public), ["rpc.listen"]);
        let consented = |config: &mut Config| {
            public(config);
            config.rpc.public_on_validator = true;
        };
        assert!(broken_keys(consented).is_empty());
        assert!(broken_keys(|config| config.rpc.listen = ([0, 0, 0, 0], 1).into()).is_empty());
    }

    #[test]
    fn each_rule_names_its_key() {
        assert_eq!(
            broken_keys(|config| config.admin.listen = ([0, 0, 0, 0], 7642).into()),
            ["admin.listen"]
        );
        assert_eq!(broken_keys(|config| config.admin.listen = config.rpc.listen), ["admin.listen"]);
        assert_eq!(
            broken_keys(|config| config.rpc.batch_entries_max = 0),
            ["rpc.batch_entries_max"]
        );
        assert_eq!(
            broken_keys(|config| config.rpc.connections_per_address_max = 201),
            ["rpc.connections_per_address_max"]
        );
        assert_eq!(broken_keys(|config| config.log.level = "info,=".to_owned()), ["log.level"]);
        let peer = "/ip4/192.0.2.1/tcp/7640".parse().expect("a multiaddress");
        assert_eq!(broken_keys(|config| config.p2p.peers = vec![peer]), ["p2p.peers"]);
        let url = "ftp://node.example.org".parse().ok();
        assert_eq!(broken_keys(|config| config.rpc.public_url = url), ["rpc.public_url"]);
    }
}
