//! Secrets on disk: the keys of a node, and the key files of people who hold DIDs.
//!
//! A secret is never cloned or shown by `Debug`. It is wiped from memory when dropped, and it lies
//! only in files of mode 0600. Callers ask for a signature through a method named after its
//! purpose.

mod error;
mod file;
mod home;
pub mod limits;
mod node_keys;
mod secret;
mod user;
mod vault;

pub use error::KeysError;
pub use file::{Lock, read_private, write_atomic, write_new_atomic};
pub use home::{Home, HomeError};
pub use node_keys::{NodeKeys, NodeRole, PublishingSigner, ValidatorSigner};
pub use secret::SecretKey;
pub use user::{DidKeys, Parts, Pending, Roles, UserKeyFile, UserKeys};
pub use vault::{Passphrase, Protection, protection};
