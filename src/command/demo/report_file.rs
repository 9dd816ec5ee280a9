//! Where the report of a demonstration goes.

use std::fs::File;
use std::path::PathBuf;

/// The file of `--json`. What is there stays until there is something better; what is not there is there only with a report.
pub struct ReportFile {
    path: PathBuf,
    /// Made here, and empty.
    new: bool,
}

impl ReportFile {
    /// Makes sure that it can be written.
    pub fn claim(path: PathBuf) -> Result<Self, String> {
        let new = !path.exists();
        match File::options().create(true).append(true).open(&path) {
            Ok(_) => Ok(Self { path, new }),
            Err(e) => Err(format!(
                "--json {}: {e}; name a file that can be written",
                path.display()
            )),
        }
    }

    /// Puts the report there.
    pub fn write(mut self, report: &str) -> Result<(), String> {
        let written = std::fs::write(&self.path, report);
        self.new &= written.is_err();
        written.map_err(|e| format!("--json {}: {e}", self.path.display()))
    }
}

impl Drop for ReportFile {
    fn drop(&mut self) {
        if self.new {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_whole_or_what_was_there_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        drop(ReportFile::claim(path.clone()).unwrap());
        assert!(!path.exists());
        ReportFile::claim(path.clone()).unwrap().write("1").unwrap();
        drop(ReportFile::claim(path.clone()).unwrap());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "1");
        let error = ReportFile::claim(folder.path().join("no/report.json"));
        assert!(error.err().unwrap().contains("--json"));
    }
}
