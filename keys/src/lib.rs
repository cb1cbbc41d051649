//! Secrets on disk: the keys of a node and the key files of people who hold DIDs.
//!
//! A secret is never cloned, never shown by `Debug`, is wiped from memory when dropped, and lies
//! only in files of mode 0600. A signature is asked for by a named purpose.

mod error;
mod file;
mod home;
pub mod limits;
mod node_keys;
mod secret;
mod user;
mod vault;

pub use error::KeysError;
pub use file::{Lock, read_private, write_atomic};
pub use home::{Home, HomeError};
pub use node_keys::{NodeKeys, PublishingSigner, Role, ValidatorSigner};
pub use secret::SecretKey;
pub use user::{DidKeys, Parts, Pending, Roles, UserKeyFile, UserKeys};
pub use vault::{Passphrase, Protection, protection};
