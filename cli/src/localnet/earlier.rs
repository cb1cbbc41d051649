//! Handles a network that another version of the binary left in the directory.

use std::path::{Path, PathBuf};

use node::store::FORMAT_VERSION;

use super::{Made, process};
use crate::exit::{Failure, warn};

/// Renames the directory if `renew` is set, and fails otherwise or if a node of the network runs.
/// Nothing is lost, and the version of the binary that made the network can still run it.
pub(super) fn put_aside(dir: &Path, made: &Made, renew: bool) -> Result<(), Failure> {
    let layout = match made.data_format {
        0 => "an earlier layout".to_owned(),
        format => format!("format {format}"),
    };
    let what = format!(
        "{} holds a localnet of another version of idem: its data has {layout}, this version \
         reads format {FORMAT_VERSION}",
        dir.display()
    );
    if !renew {
        let remedy = "--renew puts it aside and makes a new one; --dir names another directory";
        return Err(Failure::usage_with(what, remedy));
    }
    if made.nodes.iter().any(|node| process::runs(&node.home(), node.pid)) {
        let remedy = format!("stop them: idem localnet stop --dir {}", dir.display());
        return Err(Failure::usage_with(format!("{what}; its nodes run"), remedy));
    }
    let aside = free_name(dir);
    std::fs::rename(dir, &aside).map_err(|error| {
        Failure::usage(format!("cannot rename {} to {}: {error}", dir.display(), aside.display()))
    })?;
    warn(format_args!("{what}; it is kept in {}", aside.display()));
    Ok(())
}

/// Returns the path `DIR.old-1`, or the next number that is free.
fn free_name(dir: &Path) -> PathBuf {
    let mut number = 1_u32;
    loop {
        let mut name = dir.as_os_str().to_owned();
        name.push(format!(".old-{number}"));
        let path = PathBuf::from(name);
        if !path.exists() {
            return path;
        }
        number += 1;
    }
}
