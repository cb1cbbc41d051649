//! Resolution and dereferencing options. Options from a query, a DID URL or JSON are all read by
//! the same function, so they mean the same everywhere.

use registry_core::time::TimeMs;
use serde_json::{Map, Value};

use super::error::{DidError, DidErrorKind};
use crate::reads::Selector;

/// Options that a caller gives in addition to the DID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Options {
    /// Media type that the caller wants for the content.
    pub(crate) accept: Option<String>,
    /// Version of the DID that the caller asks for.
    pub(crate) version: Selector,
    /// True if caches must not store the answer.
    pub(crate) no_cache: bool,
    /// Lowest height as of which the answer may be.
    pub(crate) min_height: Option<u64>,
    /// Verification relationship under which the dereferenced method must be listed.
    pub(crate) relationship: Option<String>,
    /// Id of the selected service: the fragment of its DID URL.
    pub(crate) service: Option<String>,
    /// Type of the selected services.
    pub(crate) service_type: Option<String>,
    /// Relative reference to resolve against the service's endpoint.
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

/// Returns the error for an option whose value does not have the required `form`.
fn invalid(name: &str, value: &str, form: &str) -> DidError {
    let detail = format!("{name} {value:?} must be {form}");
    DidError::new(DidErrorKind::InvalidOptions, detail)
}

impl Options {
    /// Reads options. An unknown option fails with `FEATURE_NOT_SUPPORTED`, whatever the others
    /// are. An option that is given twice or has an invalid value fails with `INVALID_OPTIONS`. The
    /// `Accept` header is not considered here.
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
        // Rendered documents have absolute DID URLs only, so the option has no effect.
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

    /// True if an option selects a service endpoint.
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

/// Reads a decimal number without sign or leading zeros.
fn number(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

/// Returns the members of a JSON object of options as text, in the form that a query has. Members
/// that are null are left out.
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
