//! Parsing of call parameters, and registration of methods whose parameters have one type.

use std::sync::Arc;

use jsonrpsee::core::RegisterMethodError;
use jsonrpsee::server::RpcModule;
use jsonrpsee::types::{ErrorObjectOwned, Params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{ApiError, PARAMS};
use crate::guard::Client;
use crate::services::Services;

/// Reads parameters by name or by position. The positional order is that of the fields of `P`.
pub(super) fn read<P: DeserializeOwned>(params: &Params<'_>) -> Result<P, ApiError> {
    let text = params.as_str().unwrap_or("{}");
    let mut reader = serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let segments = error.path().iter().map(ToString::to_string);
        let field = segments.collect::<Vec<_>>().join("/");
        let detail = error.inner().to_string();
        // The position is that in the raw parameters, which a caller of a client library never
        // sees.
        let detail = detail.split(" at line ").next().unwrap_or_default();
        match field.is_empty() {
            true => ApiError::params(PARAMS, detail),
            false => ApiError::params(&field, format!("{field}: {detail}")),
        }
    })
}

/// Registers a method with parameters `P` that the services answer.
pub(super) fn add<P, R, F, Fut>(
    module: &mut RpcModule<Arc<Services>>,
    name: &'static str,
    method: F,
) -> Result<(), RegisterMethodError>
where
    P: DeserializeOwned + Send,
    R: Serialize + Clone + Send + 'static,
    F: Fn(Arc<Services>, P) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<R, ApiError>> + Send,
{
    add_for(module, name, |_| Ok(()), method)
}

/// Registers a method that only the callers whom `admit` accepts may call.
pub(super) fn add_for<P, R, G, F, Fut>(
    module: &mut RpcModule<Arc<Services>>,
    name: &'static str,
    admit: G,
    method: F,
) -> Result<(), RegisterMethodError>
where
    G: Fn(Option<&Client>) -> Result<(), ApiError> + Clone + Send + Sync + 'static,
    P: DeserializeOwned + Send,
    R: Serialize + Clone + Send + 'static,
    F: Fn(Arc<Services>, P) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<R, ApiError>> + Send,
{
    module.register_async_method(name, move |params, services, extensions| {
        let (method, admitted) = (method.clone(), admit(extensions.get::<Client>()));
        async move {
            admitted?;
            let params = read::<P>(&params)?;
            method(Arc::clone(&services), params).await.map_err(ErrorObjectOwned::from)
        }
    })?;
    Ok(())
}
