//! Dereferencing of DID URLs to a document, verification method, service or service endpoint.

use ::url::Url;
use registry_core::did::document::{
    Document, Endpoint, EndpointValue, RenderedMethod, RenderedService, Service, render_method,
    render_service,
};
use registry_core::id::Did;
use serde::Serialize;

use super::error::{DidError, DidErrorKind};
use super::options::Options;
use super::rendered::{DocumentJson, stated};
use super::resolve::{Dids, DocumentMetadata, Found, ResultMetadata, document_type};
use super::url::{DidUrl, percent_decode};
use crate::service::Head;

/// Media type of a list of service endpoints.
pub(crate) const URI_LIST: &str = "text/uri-list";

/// Resource that a DID URL identifies.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub(crate) enum Content {
    /// The whole DID document.
    Document(DocumentJson),
    /// The verification method that a fragment names.
    Method(Box<RenderedMethod>),
    /// The service that a fragment names.
    Service(Box<RenderedService>),
    /// Endpoint URIs, one on each line, separated by CRLF.
    Endpoints(String),
}

/// Result of dereferencing. It has the content under `content` and `contentStream`, because clients
/// use both names.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DereferencingResult {
    dereferencing_metadata: ResultMetadata,
    content: Option<Content>,
    content_stream: Option<Content>,
    content_metadata: DocumentMetadata,
}

impl DereferencingResult {
    pub(crate) fn of(
        content: Option<Content>,
        content_type: &'static str,
        content_metadata: DocumentMetadata,
    ) -> Self {
        let content_type = content.is_some().then_some(content_type);
        let dereferencing_metadata = ResultMetadata { content_type, error: None };
        let content_stream = content.clone();
        Self { dereferencing_metadata, content, content_stream, content_metadata }
    }

    pub(crate) fn failed(error: DidError) -> Self {
        let dereferencing_metadata = ResultMetadata { content_type: None, error: Some(error) };
        let content_metadata = DocumentMetadata::default();
        Self { dereferencing_metadata, content: None, content_stream: None, content_metadata }
    }
}

/// Outcome of following a DID URL. `content` is `None` if the DID is deactivated.
pub(crate) struct Dereferenced {
    pub(crate) found: Found,
    pub(crate) head: Head,
    pub(crate) content: Option<Content>,
}

impl Dids {
    /// Dereferences a DID URL as W3C DID Resolution defines the function: an error is a result too.
    pub(crate) async fn dereference(
        &self,
        url: &str,
        pairs: Result<Vec<(String, String)>, DidError>,
    ) -> DereferencingResult {
        let dereferenced = async {
            let url = DidUrl::parse(url)?;
            let options = url.options(&pairs?)?;
            let content_type = match options.accept.as_deref() {
                Some(URI_LIST) if options.selects_service() => URI_LIST,
                None if options.selects_service() => URI_LIST,
                accept => document_type(accept)?,
            };
            let Dereferenced { found, content, .. } = self.follow(&url, &options).await?;
            Ok(DereferencingResult::of(content, content_type, found.metadata))
        };
        dereferenced.await.unwrap_or_else(DereferencingResult::failed)
    }

    /// Follows a DID URL to the resource that it identifies.
    pub(crate) async fn follow(
        &self,
        url: &DidUrl,
        options: &Options,
    ) -> Result<Dereferenced, DidError> {
        if !url.path.is_empty() {
            let detail = format!("the path {:?}: documents have no resources by path", url.path);
            return Err(DidError::new(DidErrorKind::FeatureNotSupported, detail));
        }
        let (found, head) = self.find(&url.did, options).await?;
        let whole = !options.selects_service() && url.fragment.is_none();
        if whole && options.relationship.is_some() && found.document.is_some() {
            let detail = "verificationRelationship needs a DID URL with a fragment";
            return Err(DidError::new(DidErrorKind::InvalidOptions, detail));
        }
        if whole {
            let content = found.document.clone().map(Content::Document);
            return Ok(Dereferenced { found, head, content });
        }
        let document = stated(&found.entry)?.map(|stated| stated.document);
        let content = match (document, &url.fragment) {
            (None, _) => None,
            (Some(document), Some(fragment)) => Some(part(&url.did, &document, fragment, options)?),
            (Some(document), None) => {
                Some(Content::Endpoints(endpoints(&document.service, options)?))
            }
        };
        Ok(Dereferenced { found, head, content })
    }
}

impl DidUrl {
    /// Reads the parameters of the URL and the options given beside it as one list of options.
    /// Fails if the URL has a fragment and the options select a service.
    pub(crate) fn options(&self, beside: &[(String, String)]) -> Result<Options, DidError> {
        let options = Options::read(&[&self.parameters, beside].concat())?;
        if options.selects_service() && self.fragment.is_some() {
            let detail = "a fragment names a part of the document, service leads out of it";
            return Err(DidError::new(DidErrorKind::InvalidDidUrl, detail));
        }
        Ok(options)
    }
}

/// Finds the verification method or service that a fragment names. If the options name a
/// relationship, the fragment must be a method listed under it.
fn part(
    did: &Did,
    document: &Document,
    fragment: &str,
    options: &Options,
) -> Result<Content, DidError> {
    let relationship = options.relationship.as_deref();
    if let Some(method) =
        document.verification_method.iter().find(|method| method.id.as_str() == fragment)
    {
        if let Some(name) = relationship {
            let relationships = document.relationships();
            let listed = relationships.iter().find(|(known, _)| *known == name);
            let Some((_, listed)) = listed else {
                let detail = format!("{name:?} is no verification relationship");
                return Err(DidError::new(DidErrorKind::InvalidOptions, detail));
            };
            if !listed.contains(&method.id) {
                let detail = format!("#{fragment} is not listed under {name}");
                return Err(DidError::new(DidErrorKind::InvalidRelationship, detail));
            }
        }
        return Ok(Content::Method(Box::new(render_method(did, method))));
    }
    match document.service.iter().find(|service| service.id.as_str() == fragment) {
        Some(_) if relationship.is_some() => {
            let detail = format!("#{fragment} is a service, not a verification method");
            Err(DidError::new(DidErrorKind::InvalidVerificationMethod, detail))
        }
        Some(service) => Ok(Content::Service(Box::new(render_service(did, service)))),
        None => {
            let detail = format!("{did} has nothing with the fragment {fragment:?}");
            Err(DidError::new(DidErrorKind::NotFound, detail))
        }
    }
}

/// Returns the endpoints of the selected services, one on each line. A relative reference in the
/// options is resolved against each endpoint.
fn endpoints(services: &[Service], options: &Options) -> Result<String, DidError> {
    let (id, kind) = (options.service.as_deref(), options.service_type.as_deref());
    if id.is_none() && kind.is_none() {
        let detail = "relativeRef needs service or serviceType";
        return Err(DidError::new(DidErrorKind::InvalidDidUrl, detail));
    }
    let selected = services.iter().filter(|service| {
        id.is_none_or(|id| service.id.as_str() == id)
            && kind.is_none_or(|kind| service.types.iter().any(|other| other == kind))
    });
    let uris: Vec<&str> = selected.flat_map(uris_of).collect();
    if uris.is_empty() {
        let wanted = id.or(kind).unwrap_or_default();
        let detail = format!("the document has no service {wanted:?} with an endpoint");
        return Err(DidError::new(DidErrorKind::NotFound, detail));
    }
    let uris = uris.into_iter().map(|uri| match &options.relative_ref {
        None => Ok(uri.to_owned()),
        Some(reference) => join(uri, reference),
    });
    Ok(uris.collect::<Result<Vec<_>, _>>()?.join("\r\n"))
}

fn uris_of(service: &Service) -> impl Iterator<Item = &str> {
    service.service_endpoint.iter().flat_map(|endpoint| match endpoint {
        Endpoint::Uri(uri) => vec![uri.as_str()],
        Endpoint::Map(members) => members
            .iter()
            .filter(|(name, _)| {
                !["accept", "recipientKeys", "routingKeys"].contains(&name.as_str())
            })
            .flat_map(|(_, value)| match value {
                EndpointValue::One(uri) => std::slice::from_ref(uri),
                EndpointValue::Many(uris) => uris,
            })
            .map(String::as_str)
            .collect(),
    })
}

/// Resolves a relative reference against an endpoint (RFC 3986, section 5). Refuses a result with
/// another scheme, host or port, and a reference whose path contains `..`.
fn join(endpoint: &str, reference: &str) -> Result<String, DidError> {
    let invalid = |why: &str| {
        let detail = format!("relativeRef {reference:?} on {endpoint}: {why}");
        DidError::new(DidErrorKind::InvalidDidUrl, detail)
    };
    let decoded = percent_decode(reference).ok_or_else(|| invalid("malformed percent-encoding"))?;
    let path = decoded.split(['?', '#']).next().unwrap_or_default();
    let climbs = path.split(['/', '\\']).any(|segment| segment == "..");
    if climbs || decoded.contains(|c: char| c.is_control()) {
        return Err(invalid("must not climb with \"..\""));
    }
    let base = Url::parse(endpoint).map_err(|_| invalid("the endpoint is not hierarchical"))?;
    let joined = base.join(reference).map_err(|_| invalid("is no relative reference"))?;
    let origin =
        |url: &Url| (url.scheme().to_owned(), url.host_str().map(str::to_owned), url.port());
    if base.cannot_be_a_base() || origin(&base) != origin(&joined) {
        return Err(invalid("must stay on the endpoint's host"));
    }
    Ok(joined.into())
}

#[cfg(test)]
mod tests {
    use super::join;

    #[test]
    fn a_relative_reference_stays_below_the_host() {
        let base = "https://files.example/store/";
        let joined = |reference| join(base, reference).ok();
        assert_eq!(joined("a.pdf").as_deref(), Some("https://files.example/store/a.pdf"));
        assert_eq!(joined("/a?b=c").as_deref(), Some("https://files.example/a?b=c"));
        for wrong in [
            "../a",
            "a/../../b",
            "%2e%2e/a",
            "..%2Fa",
            "..\\a",
            "//evil.example/a",
            "https://evil.example/a",
            "\\\\evil.example",
            "a%",
        ] {
            assert_eq!(joined(wrong), None, "{wrong} must be refused");
        }
        assert!(join("urn:uuid:0", "a").is_err());
    }
}
