//! Sources of a passphrase: a file, a descriptor or a terminal. A passphrase is never an argument,
//! because every process on the machine can read the arguments of others.

use std::io::{IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};

use clap::Args;
use keys::{Passphrase, Protection, protection};
use zeroize::Zeroizing;

use super::exit::{Failure, warn};
use crate::limits::PASSPHRASE_BYTES_MAX;

/// Passphrase options of a command that opens or makes key files.
#[derive(Debug, Default, Args)]
pub(super) struct PassphraseArgs {
    /// File whose first line is the passphrase of the key file
    #[arg(long, env = "IDEM_PASSPHRASE_FILE", value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Open file descriptor whose first line is the passphrase
    #[arg(long, value_name = "FD")]
    passphrase_fd: Option<u32>,
    /// Never ask for a passphrase: a new key file is plain
    #[arg(long)]
    no_passphrase: bool,
}

impl PassphraseArgs {
    /// Returns the passphrase for the key file at `path`; `None` for a plain one. If the file does
    /// not exist and no passphrase is given or entered, the new file will be plain, and a warning
    /// says so.
    pub(super) fn passphrase(&self, path: &Path) -> Result<Option<Passphrase>, Failure> {
        if let Some(passphrase) = self.given()? {
            return Ok(Some(passphrase));
        }
        let may_ask = !self.no_passphrase && std::io::stdin().is_terminal();
        match protection(path)? {
            Protection::Plain => Ok(None),
            Protection::Sealed if may_ask => {
                ask(&format!("Passphrase of {}: ", path.display())).map(Some)
            }
            // Opening the file fails with an error that says what is needed.
            Protection::Sealed => Ok(None),
            Protection::Missing => {
                let passphrase = if may_ask { ask_new(path)? } else { None };
                if passphrase.is_none() {
                    let remedy = "give --passphrase-file to encrypt it";
                    warn(format!("{} will hold plain secret keys; {remedy}", path.display()));
                }
                Ok(passphrase)
            }
        }
    }

    /// Returns the passphrase for a key file that must exist. If it does not, the error comes when
    /// it is read.
    pub(super) fn existing(&self, path: &Path) -> Result<Option<Passphrase>, Failure> {
        match protection(path)? {
            Protection::Missing => Ok(None),
            Protection::Plain | Protection::Sealed => self.passphrase(path),
        }
    }

    fn given(&self) -> Result<Option<Passphrase>, Failure> {
        // The descriptor takes precedence: it is always a flag, while the file may come from the
        // environment.
        let path = match (self.passphrase_fd, &self.passphrase_file) {
            (Some(descriptor), _) => PathBuf::from(format!("/dev/fd/{descriptor}")),
            (None, Some(path)) => path.clone(),
            (None, None) => return Ok(None),
        };
        read(&path).map(Some)
    }
}

fn read(path: &Path) -> Result<Passphrase, Failure> {
    let failed = |reason: String| {
        Failure::usage(format!("cannot read the passphrase from {}: {reason}", path.display()))
    };
    let file = std::fs::File::open(path).map_err(|error| failed(error.to_string()))?;
    // The string never grows beyond its capacity, so that no copy of the passphrase stays in
    // memory.
    let bytes_max = usize::try_from(PASSPHRASE_BYTES_MAX).unwrap_or_default();
    let mut text = Zeroizing::new(String::with_capacity(bytes_max.saturating_add(1)));
    file.take(PASSPHRASE_BYTES_MAX.saturating_add(1))
        .read_to_string(&mut text)
        .map_err(|error| failed(error.to_string()))?;
    if text.len() > bytes_max {
        return Err(failed(format!("it has more than {bytes_max} bytes")));
    }
    let end = text.find(['\n', '\r']).unwrap_or(text.len());
    text.truncate(end);
    if text.is_empty() {
        return Err(failed("its first line is empty".to_owned()));
    }
    Ok(Passphrase::new(text))
}

fn ask(prompt: &str) -> Result<Passphrase, Failure> {
    prompt_secret(prompt).map(Passphrase::new)
}

/// Asks for a new passphrase twice. Returns `None` if the answer is empty: the file will be plain.
fn ask_new(path: &Path) -> Result<Option<Passphrase>, Failure> {
    let first = prompt_secret(&format!("New passphrase for {} (empty: none): ", path.display()))?;
    if first.is_empty() {
        return Ok(None);
    }
    let second = prompt_secret("The same again: ")?;
    if *first == *second {
        Ok(Some(Passphrase::new(first)))
    } else {
        Err(Failure::usage("the two passphrases differ; nothing was written"))
    }
}

fn prompt_secret(prompt: &str) -> Result<Zeroizing<String>, Failure> {
    rpassword::prompt_password(prompt)
        .map(Zeroizing::new)
        .map_err(|error| Failure::usage(format!("cannot ask for the passphrase: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_longer_input_is_refused_and_not_cut() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("passphrase");
        for (bytes, is_read) in [(PASSPHRASE_BYTES_MAX, true), (PASSPHRASE_BYTES_MAX + 1, false)] {
            let text = "x".repeat(usize::try_from(bytes).expect("small"));
            std::fs::write(&path, text).expect("written");
            assert_eq!(read(&path).is_ok(), is_read, "{bytes}");
        }
    }
}
