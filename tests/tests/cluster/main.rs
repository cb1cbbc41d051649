//! Tests of networks of real processes: the localnet contract, kills, lost data, lost quorum,
//! refusals, hostile peers, recovery, idleness, status lists, rights, agents, schemas, decisions
//! and governance. They take turns, so that one network runs at a time.
//!
//! `IDEM_SOAK=1` makes the measurements long. `IDEM_SEED` and `IDEM_KILLS` choose the kills.
//! `IDEM_SEED` also chooses the history of the lists in the test of past lists.

mod agents;
mod attacks;
mod cases;
mod contract;
mod decision;
mod endorsement;
mod governance;
mod hostile;
mod idle;
mod kills;
mod quorum;
mod recovery;
mod refusals;
mod returns;
mod schemas;
mod status;
mod status_cases;
mod status_load;
mod status_past;
mod status_space;
mod status_tokens;
mod trust;
mod trust_files;
