//! Networks of real processes: the localnet contract, kills, lost data, lost quorum, refusals,
//! hostile peers, recovery, idleness, status lists, rights, agents, schemas and decisions. They
//! take turns: one network runs at a time.
//!
//! `IDEM_SOAK=1` makes the measures long; `IDEM_SEED` and `IDEM_KILLS` choose the kills, and
//! `IDEM_SEED` the history of the lists whose past is asked for.

mod agents;
mod cases;
mod contract;
mod decision;
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
