//! The places inside a node's home directory.

use std::path::{Path, PathBuf};

/// A node's home directory. Every path in it is named here and nowhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home(PathBuf);

/// Why there is no home directory to use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HomeError {
    /// Neither `--home`, `IDEM_HOME` nor `HOME` names one.
    #[error("no home directory is known; give --home DIR")]
    Unknown,
}

impl Home {
    /// The home at `path`, which need not exist.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// `~/.idem`.
    pub fn of_user() -> Result<Self, HomeError> {
        std::env::home_dir().map(|user| Self(user.join(".idem"))).ok_or(HomeError::Unknown)
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The configuration file.
    pub fn config_file(&self) -> PathBuf {
        self.0.join("config.toml")
    }

    /// The genesis file.
    pub fn genesis_file(&self) -> PathBuf {
        self.0.join("genesis.json")
    }

    /// The directory of the node's own keys, mode 0700.
    pub fn keys(&self) -> PathBuf {
        self.0.join("keys")
    }

    /// The key that names this node among its peers.
    pub fn p2p_key_file(&self) -> PathBuf {
        self.keys().join("p2p.json")
    }

    /// The key that signs votes and proposals.
    pub fn validator_key_file(&self) -> PathBuf {
        self.keys().join("validator.json")
    }

    /// The key that signs what this node publishes.
    pub fn publishing_key_file(&self) -> PathBuf {
        self.keys().join("publishing.json")
    }

    /// The height floor; beside the key, so that whoever moves the key moves the floor too.
    pub fn height_floor_file(&self) -> PathBuf {
        self.keys().join("height-floor")
    }

    /// The process id of the running node.
    pub fn pid_file(&self) -> PathBuf {
        self.0.join("node.pid")
    }

    /// The directory of the log files of a detached node.
    pub fn log(&self) -> PathBuf {
        self.0.join("log")
    }

    /// A path of the configuration: a relative one is inside the home.
    pub fn resolve(&self, path: &Path) -> PathBuf {
        self.0.join(path)
    }
}
