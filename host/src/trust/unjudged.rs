//! Stands for `permissions` where they are not those of Unix: it says nothing of any file.

use std::path::{Path, PathBuf};

use crate::trust::Ownership;
use crate::trust::distrust::Distrust;

/// Walks no path.
#[derive(Debug)]
pub(super) struct Walker;

impl Walker {
    pub(super) fn of_process() -> Self {
        Walker
    }

    pub(super) fn walk(&self, _: &Path) -> Result<(), Distrust> {
        Ok(())
    }

    pub(super) fn walk_there(&self, _: &Path) -> Result<Option<PathBuf>, Distrust> {
        Ok(None)
    }

    #[cfg(feature = "cli")]
    pub(super) fn may_be_made(&self, _: &Path) -> bool {
        false
    }

    pub(super) fn judge_file(&self, _: &Path, _: Ownership) -> Result<(), Distrust> {
        Ok(())
    }
}
