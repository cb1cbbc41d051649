//! Networks of real processes: the localnet contract, kills, lost data, lost quorum, refusals,
//! hostile peers, recovery, idleness and status lists. They take turns: one network runs at a time.
//!
//! `IDEM_SOAK=1` makes the measures long; `IDEM_SEED` and `IDEM_KILLS` choose the kills.

mod cases;
mod contract;
mod hostile;
mod idle;
mod kills;
mod quorum;
mod recovery;
mod refusals;
mod returns;
mod status;
mod status_cases;
mod status_load;
mod status_tokens;
