//! Paths inside a node's home directory.

use std::path::{Path, PathBuf};

/// Home directory of a node. No other code names a path inside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home(PathBuf);

/// Reason why there is no home directory to use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HomeError {
    /// Neither `--home`, `IDEM_HOME` nor `HOME` names a directory.
    #[error("no home directory is known; give --home DIR")]
    Unknown,
}

impl Home {
    /// Names the home directory at `path`, which need not exist.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Returns `~/.idem`, the default home. Fails if the user has no home directory.
    pub fn of_user() -> Result<Self, HomeError> {
        std::env::home_dir().map(|user| Self(user.join(".idem"))).ok_or(HomeError::Unknown)
    }

    /// Returns the path of the home directory itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Returns the path of the configuration file.
    pub fn config_file(&self) -> PathBuf {
        self.0.join("config.toml")
    }

    /// Returns the path of the genesis file.
    pub fn genesis_file(&self) -> PathBuf {
        self.0.join("genesis.json")
    }

    /// Returns the directory of the node's keys, which has mode 0700.
    pub fn keys(&self) -> PathBuf {
        self.0.join("keys")
    }

    /// Returns the file of the key that identifies this node to its peers.
    pub fn p2p_key_file(&self) -> PathBuf {
        self.keys().join("p2p.json")
    }

    /// Returns the file of the key that signs votes and proposals.
    pub fn validator_key_file(&self) -> PathBuf {
        self.keys().join("validator.json")
    }

    /// Returns the file of the key that signs what this node publishes.
    pub fn publishing_key_file(&self) -> PathBuf {
        self.keys().join("publishing.json")
    }

    /// Returns the file of the height floor. It lies beside the validator key, so that whoever
    /// moves the key moves the floor too.
    pub fn height_floor_file(&self) -> PathBuf {
        self.keys().join("height-floor")
    }

    /// Returns the file that holds the process id of the running node.
    pub fn pid_file(&self) -> PathBuf {
        self.0.join("node.pid")
    }

    /// Returns the directory of the log files of a detached node.
    pub fn log(&self) -> PathBuf {
        self.0.join("log")
    }

    /// Resolves a path of the configuration: a relative path is inside the home directory.
    pub fn resolve(&self, path: &Path) -> PathBuf {
        self.0.join(path)
    }
}
