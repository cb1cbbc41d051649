//! Rules of each action. Some checks need no state; the others read the state of a block and give
//! the value that the action writes.

pub mod activation;
mod actors;
pub mod agent;
pub mod author;
mod checked;
pub mod did;
mod dispatch;
pub mod endorsement;
pub mod governance;
pub mod governors;
pub mod guard;
mod marks;
mod request;
pub mod roots;
pub mod schema;
mod signatures;
mod stateless;
pub mod status;
pub mod trust;
mod void;
mod window;

pub use checked::Checked;
pub(crate) use dispatch::apply;
pub use request::{By, Written};
pub use stateless::{check_body, check_stateless, cost_alone, envelope_id};
