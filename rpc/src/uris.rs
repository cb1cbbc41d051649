//! URLs at which lists and schemas are published. Credentials contain them, so they are the same
//! whichever node serves them.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use registry_core::id::{Did, ListId, SchemaId};
use registry_core::status::StatusList;
use serde::Serialize;
use url::Url;

use crate::view::{Publication, Standard, Window};

/// Base of all URLs that records do not state themselves.
#[derive(Debug, Clone)]
pub(crate) struct Uris {
    /// Base URL without a slash at its end.
    base: String,
}

/// The two URLs of a list. They are equal if the list's record states one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ListUris {
    /// URL of the W3C credential, which is its `id`.
    pub(crate) w3c: String,
    /// URL of the IETF token, which is its `sub`.
    pub(crate) ietf: String,
}

/// URLs that a view contains.
pub(crate) struct Named {
    /// URL of the list in the view's standard.
    pub(crate) uri: String,
    aggregation: String,
}

impl Named {
    pub(crate) fn publication(&self, window: Window, ttl_ms: Option<u64>) -> Publication<'_> {
        let aggregation_uri = Some(self.aggregation.as_str());
        Publication { uri: &self.uri, window, ttl_ms, aggregation_uri }
    }
}

impl Uris {
    /// Creates the base from the network's URL. If there is none, it is the node's own URL, and if
    /// there is none either, the address of the public listener.
    pub(crate) fn new(network: Option<&Url>, own: Option<&Url>, mut listener: SocketAddr) -> Self {
        if listener.ip().is_unspecified() {
            listener.set_ip(match listener {
                SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        let base = match network.or(own) {
            Some(url) => url.as_str().trim_end_matches('/').to_owned(),
            None => format!("http://{listener}"),
        };
        Self { base }
    }

    /// Returns the URLs of a list. `uri` is the one that the list's record states, if any.
    pub(crate) fn of(&self, id: &ListId, uri: Option<&str>) -> ListUris {
        match uri {
            Some(uri) => ListUris { w3c: uri.to_owned(), ietf: uri.to_owned() },
            None => ListUris {
                w3c: format!("{}/status-lists/{id}", self.base),
                ietf: format!("{}/token-status-lists/{id}", self.base),
            },
        }
    }

    /// Returns the URLs that a view of `list` in a standard contains.
    pub(crate) fn named(&self, id: &ListId, list: &StatusList, standard: Standard) -> Named {
        let uris = self.of(id, list.uri.as_deref());
        let uri = match standard {
            Standard::W3c => uris.w3c,
            Standard::Ietf => uris.ietf,
        };
        Named { uri, aggregation: self.aggregation(&list.issuer) }
    }

    /// Returns the URL of a schema, which credentials contain as `credentialSchema.id`.
    pub(crate) fn schema(&self, id: &SchemaId) -> String {
        format!("{}/schemas/{id}", self.base)
    }

    /// Returns the URL that lists all lists of an issuer.
    pub(crate) fn aggregation(&self, issuer: &Did) -> String {
        format!("{}/token-status-lists/aggregation/{issuer}", self.base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_network_goes_before_the_node_and_the_node_before_its_listener() {
        let url = |text: &str| text.parse::<Url>().expect("a URL");
        let (network, own) = (url("https://registry.example/"), url("https://node.example/x/"));
        let any: SocketAddr = ([0, 0, 0, 0], 7641).into();
        let base = |network, own| Uris::new(network, own, any).base;
        assert_eq!(base(Some(&network), Some(&own)), "https://registry.example");
        assert_eq!(base(None, Some(&own)), "https://node.example/x");
        assert_eq!(base(None, None), "http://127.0.0.1:7641");
    }
}
