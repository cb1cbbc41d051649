//! Where a list or schema is published: what credentials name, whichever node serves it.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use registry_core::id::{Did, ListId, SchemaId};
use registry_core::status::StatusList;
use serde::Serialize;
use url::Url;

use crate::view::{Publication, Standard, Window};

/// The base of all default URIs.
#[derive(Debug, Clone)]
pub(crate) struct Uris {
    /// Without a slash at its end.
    base: String,
}

/// The two URIs of a list; equal where the list has one of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ListUris {
    /// `id` of the W3C credential.
    pub(crate) w3c: String,
    /// `sub` of the IETF token.
    pub(crate) ietf: String,
}

/// The addresses in a view.
pub(crate) struct Named {
    /// Of the list itself.
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
    /// The network's own URL, else that of this node, else its listener.
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

    /// Where the list is published whose record has `uri`.
    pub(crate) fn of(&self, id: &ListId, uri: Option<&str>) -> ListUris {
        match uri {
            Some(uri) => ListUris { w3c: uri.to_owned(), ietf: uri.to_owned() },
            None => ListUris {
                w3c: format!("{}/status-lists/{id}", self.base),
                ietf: format!("{}/token-status-lists/{id}", self.base),
            },
        }
    }

    /// What a view in a standard names of `list`.
    pub(crate) fn named(&self, id: &ListId, list: &StatusList, standard: Standard) -> Named {
        let uris = self.of(id, list.uri.as_deref());
        let uri = match standard {
            Standard::W3c => uris.w3c,
            Standard::Ietf => uris.ietf,
        };
        Named { uri, aggregation: self.aggregation(&list.issuer) }
    }

    /// Where a schema is served: what `credentialSchema.id` of a credential names.
    pub(crate) fn schema(&self, id: &SchemaId) -> String {
        format!("{}/schemas/{id}", self.base)
    }

    /// Where all lists of an issuer are named.
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
