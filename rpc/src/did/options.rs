//! Resolution and dereferencing options, from a query, a DID URL or JSON: one reading of all.

use registry_core::time::TimeMs;
use serde_json::{Map, Value};

use super::error::{DidError, DidErrorKind};
use crate::reads::Selector;

/// What the caller asks for beside the DID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Options {
    /// Media type wanted of the content.
    pub(crate) accept: Option<String>,
    /// Which version.
    pub(crate) version: Selector,
    /// Answer past every cache.
    pub(crate) no_cache: bool,
    /// Height that the answer must be as of, at least.
    pub(crate) min_height: Option<u64>,
    /// Relationship that the dereferenced method must have.
    pub(crate) relationship: Option<String>,
    /// Id of the service to select.
    pub(crate) service: Option<String>,
    /// Type of the service to select.
    pub(crate) service_type: Option<String>,
    /// Reference relative to the service's endpoint.
    pub(crate) relative_ref: Option<String>,
}

const KNOWN: [&str; 10] = [
    "accept",
    "versionId",
    "versionTime",
    "noCache",
    "expandRelativeUrls",
    "minHeight",
    "verificationRelationship",
    "service",
    "serviceType",
    "relativeRef",
];

/// What each option may be, for the error message.
fn invalid(name: &str, value: &str, form: &str) -> DidError {
    let detail = format!("{name} {value:?} must be {form}");
    DidError::new(DidErrorKind::InvalidOptions, detail)
}

impl Options {
    /// Reads options: first whether all are supported, then whether they are valid. `accept` is
    /// not read here from a header.
    pub(crate) fn read(pairs: &[(String, String)]) -> Result<Self, DidError> {
        if let Some((name, _)) = pairs.iter().find(|(name, _)| !KNOWN.contains(&name.as_str())) {
            let detail = format!("option {name:?} is not supported");
            return Err(DidError::new(DidErrorKind::FeatureNotSupported, detail));
        }
        for (index, (name, _)) in pairs.iter().enumerate() {
            if pairs.iter().take(index).any(|(other, _)| other == name) {
                let detail = format!("{name:?} is given twice");
                return Err(DidError::new(DidErrorKind::InvalidOptions, detail));
            }
        }
        let get = |name: &str| {
            pairs.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
        };
        let flag = |name: &str| match get(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(other) => Err(invalid(name, other, "\"true\" or \"false\"")),
        };
        // Rendered documents hold absolute DID URLs only, so there is nothing to expand.
        flag("expandRelativeUrls")?;
        Ok(Self {
            accept: get("accept").map(str::to_owned),
            version: version(get("versionId"), get("versionTime"))?,
            no_cache: flag("noCache")?,
            min_height: get("minHeight")
                .map(|text| number(text).ok_or_else(|| invalid("minHeight", text, "a height")))
                .transpose()?,
            relationship: get("verificationRelationship").map(str::to_owned),
            service: get("service").map(str::to_owned),
            service_type: get("serviceType").map(str::to_owned),
            relative_ref: get("relativeRef").map(str::to_owned),
        })
    }

    /// Whether something inside of the document is asked for.
    pub(crate) fn selects_service(&self) -> bool {
        self.service.is_some() || self.service_type.is_some() || self.relative_ref.is_some()
    }
}

fn version(id: Option<&str>, time: Option<&str>) -> Result<Selector, DidError> {
    match (id, time) {
        (None, None) => Ok(Selector::Head),
        (Some(id), None) => match number(id) {
            Some(number) if number > 0 => Ok(Selector::Number(number)),
            _ => Err(invalid("versionId", id, "a version number from 1")),
        },
        (None, Some(time)) => {
            let whole = time.len() == "2020-12-20T19:17:47Z".len();
            match TimeMs::from_text(time).filter(|_| whole) {
                Some(TimeMs(time_ms)) => Ok(Selector::At(time_ms)),
                None => {
                    let form = "a UTC time in whole seconds such as 2020-12-20T19:17:47Z";
                    Err(invalid("versionTime", time, form))
                }
            }
        }
        (Some(_), Some(_)) => {
            let detail = "versionId and versionTime exclude each other";
            Err(DidError::new(DidErrorKind::InvalidOptions, detail))
        }
    }
}

/// A decimal number in its one spelling.
fn number(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

/// The members of a JSON object of options, as the text that a query would hold.
pub(crate) fn pairs_of(options: &Map<String, Value>) -> Result<Vec<(String, String)>, DidError> {
    let pairs = options.iter().filter(|(_, value)| !value.is_null());
    pairs
        .map(|(name, value)| match value {
            Value::String(text) => Ok((name.clone(), text.clone())),
            Value::Bool(_) | Value::Number(_) => Ok((name.clone(), value.to_string())),
            other => Err(invalid(name, &other.to_string(), "a string, a number, or true or false")),
        })
        .collect()
}
