//! What a verifier has seen of the running rounds, on disk: after a restart it confirms what it did before.
//!
//! The chain is read anew at every start, gossip is not. Rows are appended as they come and read once, when the chain's
//! history is known. A row that `kill -9` has torn ends its file, and is cut off. A file that has become too large is thinned:
//! the broadcasters with most of it lose their last rows, as they do in the certifier.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use assay_protocol::round_work::Segment;
use assay_protocol::wire::{SampleReport, decode, encode};
use assay_protocol::{Address, B256, U256};
use assay_verifier::certify::{Input, Known, SeenAssignment};
use assay_verifier::fair::level;
use serde::{Deserialize, Serialize};

/// Rounds whose rows are kept: the present one, and those before it that may not be certified yet.
const ROUNDS: usize = 4;
/// Bytes of one round from which on it is thinned: a million and a half assignments with their receipts.
const MAX_BYTES: u64 = 512 << 20;
/// Bytes of a row at most; a report names what it could not check, and has come as gossip.
const MAX_ROW: usize = 1 << 17;
/// Ending of the files. Rows say nothing of their form: another one gets another ending.
const ENDING: &str = "seen2";
/// Where the jobs' next runs begin.
const KNOWN: &str = "runs";

/// An assignment without its receipts.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Assigned {
    hash: B256,
    max_price: U256,
    seed_block: u64,
    job: U256,
    seq: u32,
    attempt: u8,
    round: u64,
    first_round: u64,
    forced: bool,
    transcoder: Address,
    deadline_block: u64,
    pixels: u64,
    broadcaster: Address,
}

impl From<&SeenAssignment> for Assigned {
    fn from(seen: &SeenAssignment) -> Self {
        let segment = &seen.segment;
        Self {
            hash: seen.hash,
            max_price: seen.max_price,
            seed_block: seen.seed_block,
            job: segment.job,
            seq: segment.seq,
            attempt: segment.attempt,
            round: segment.round,
            first_round: segment.first_round,
            forced: segment.forced,
            transcoder: segment.transcoder,
            deadline_block: segment.deadline_block,
            pixels: segment.pixels,
            broadcaster: seen.broadcaster,
        }
    }
}

impl From<Assigned> for SeenAssignment {
    fn from(a: Assigned) -> Self {
        Self {
            hash: a.hash,
            max_price: a.max_price,
            seed_block: a.seed_block,
            broadcaster: a.broadcaster,
            segment: Segment {
                job: a.job,
                seq: a.seq,
                attempt: a.attempt,
                round: a.round,
                first_round: a.first_round,
                forced: a.forced,
                transcoder: a.transcoder,
                deadline_block: a.deadline_block,
                pixels: a.pixels,
                receipts: Vec::new(),
            },
        }
    }
}

/// One input, as it is written.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Row {
    Assignment(Assigned),
    Receipt(Assigned, B256, u32),
    /// Without its verdicts: to a round's list only ticket and what could not be checked matter.
    Report(Box<SampleReport>),
}

impl Row {
    fn of(input: &Input) -> Option<Self> {
        Some(match input {
            Input::Assignment(seen) => Self::Assignment(seen.as_ref().into()),
            Input::Receipt {
                assignment,
                receipt,
                leaves,
            } => Self::Receipt(assignment.as_ref().into(), *receipt, *leaves),
            Input::Report(report) => Self::Report(Box::new(SampleReport {
                verdicts: Vec::new(),
                ..report.as_ref().clone()
            })),
            _ => return None,
        })
    }

    /// Whose work it is about; a report is about everybody's.
    fn broadcaster(&self) -> Option<Address> {
        match self {
            Self::Assignment(seen) | Self::Receipt(seen, ..) => Some(seen.broadcaster),
            Self::Report(_) => None,
        }
    }

    fn input(self) -> Input {
        match self {
            Self::Assignment(seen) => Input::Assignment(Box::new(seen.into())),
            Self::Receipt(seen, receipt, leaves) => Input::Receipt {
                assignment: Box::new(seen.into()),
                receipt,
                leaves,
            },
            Self::Report(report) => Input::Report(report),
        }
    }
}

/// The rows of the last rounds.
#[derive(Debug)]
pub(crate) struct SeenLog {
    folder: PathBuf,
    most: u64,
    /// The round that is written, and how much of it there is.
    open: Option<(u64, File, u64)>,
    /// A round whose reports alone are too much.
    shut: Option<u64>,
    recalled: bool,
}

impl SeenLog {
    /// The log of a node whose folder this is.
    pub(crate) fn new(node: &Path) -> Self {
        Self {
            folder: node.join("seen"),
            most: MAX_BYTES,
            open: None,
            shut: None,
            recalled: false,
        }
    }

    /// Writes down what matters to a round's list, heard in `block` of `round`.
    pub(crate) fn append(&mut self, input: &Input, round: u64, block: u64) -> io::Result<()> {
        let Some(row) = Row::of(input) else {
            return Ok(());
        };
        let row = encode(&(block, row)).map_err(io::Error::other)?;
        if row.len() > MAX_ROW || self.shut == Some(round) {
            return Ok(());
        }
        let full = |(open, _, size): &(u64, File, u64)| *open == round && *size > self.most;
        if self.open.as_ref().is_some_and(full) {
            self.open = None;
            thin(&self.path(round), self.most / 2)?;
            let opened = self.begin(round)?;
            self.shut = (opened.2 > self.most / 4 * 3).then_some(round);
            self.open = Some(opened);
        }
        if self.open.as_ref().is_none_or(|(open, ..)| *open != round) {
            self.open = Some(self.begin(round)?);
        }
        let Some((_, file, size)) = &mut self.open else {
            return Ok(());
        };
        *size += put(file, &row)?;
        Ok(())
    }

    /// Keeps where the jobs' next runs begin.
    pub(crate) fn keep(&self, known: &Known) -> io::Result<()> {
        let bytes = encode(known).map_err(io::Error::other)?;
        std::fs::create_dir_all(&self.folder)?;
        crate::whole::write(&self.folder.join(KNOWN), &bytes)
    }

    /// What was kept of that; nothing where there is nothing, or what nobody can read any more.
    pub(crate) fn known(&self) -> Known {
        let kept = std::fs::read(self.folder.join(KNOWN));
        let known = kept.ok().and_then(|bytes| decode(&bytes).ok());
        known.unwrap_or_default()
    }

    fn path(&self, round: u64) -> PathBuf {
        self.folder.join(format!("{round:08}.{ENDING}"))
    }

    fn begin(&self, round: u64) -> io::Result<(u64, File, u64)> {
        std::fs::create_dir_all(&self.folder)?;
        let mut options = OpenOptions::new();
        let file = options.create(true).append(true).open(self.path(round))?;
        let size = file.metadata()?.len();
        let files = self.files();
        for old in &files[..files.len().saturating_sub(ROUNDS)] {
            std::fs::remove_file(old)?;
        }
        Ok((round, file, size))
    }

    /// The files, the oldest round first.
    fn files(&self) -> Vec<PathBuf> {
        let files = std::fs::read_dir(&self.folder).into_iter().flatten();
        let paths = files.filter_map(|file| Some(file.ok()?.path()));
        let mut files: Vec<_> = paths
            .filter(|path| path.extension().is_some_and(|ending| ending == ENDING))
            .collect();
        files.sort();
        files
    }

    /// Tells what was seen before this start, with its blocks; once. Whether there was anything.
    pub(crate) fn recall(&mut self, mut tell: impl FnMut(u64, Input)) -> io::Result<bool> {
        let mut found = false;
        if std::mem::replace(&mut self.recalled, true) {
            return Ok(found);
        }
        for path in self.files() {
            let whole = rows(&path, |block, row, _| {
                found = true;
                tell(block, row.input());
                Ok(())
            })?;
            if whole < std::fs::metadata(&path)?.len() {
                let file = OpenOptions::new().write(true).open(&path)?;
                file.set_len(whole)?;
            }
        }
        Ok(found)
    }
}

/// Writes one row in one write, so that another one never follows a part of it; gives its bytes.
fn put(file: &mut impl Write, row: &[u8]) -> io::Result<u64> {
    let frame = [&(row.len() as u32).to_be_bytes()[..], row].concat();
    file.write_all(&frame)?;
    Ok(frame.len() as u64)
}

/// Goes through the rows of a file, up to its end or to one that is torn; gives the bytes of those that are whole.
fn rows(path: &Path, mut each: impl FnMut(u64, Row, &[u8]) -> io::Result<()>) -> io::Result<u64> {
    let mut file = BufReader::new(File::open(path)?);
    let mut whole = 0;
    let mut length = [0; 4];
    let torn = |e: &io::Error| e.kind() == io::ErrorKind::UnexpectedEof;
    loop {
        match file.read_exact(&mut length) {
            Err(e) if torn(&e) => return Ok(whole),
            read => read?,
        }
        let size = u32::from_be_bytes(length) as usize;
        if size > MAX_ROW {
            return Ok(whole);
        }
        let mut bytes = vec![0; size];
        match file.read_exact(&mut bytes) {
            Err(e) if torn(&e) => return Ok(whole),
            read => read?,
        }
        let Ok((block, row)) = decode(&bytes) else {
            return Ok(whole);
        };
        each(block, row, &bytes)?;
        whole += (length.len() + size) as u64;
    }
}

/// Leaves at most so many bytes of assignments and receipts: of each broadcaster the first ones, up to a level that is the
/// same for all. Reports stay: their number is that of the verifiers.
fn thin(path: &Path, most: u64) -> io::Result<()> {
    let mut of: BTreeMap<Address, u64> = BTreeMap::new();
    rows(path, |_, row, bytes| {
        if let Some(who) = row.broadcaster() {
            *of.entry(who).or_default() += 4 + bytes.len() as u64;
        }
        Ok(())
    })?;
    let level = level(of.into_values().collect(), most);
    let part = path.with_extension("part");
    let mut file = BufWriter::new(File::create(&part)?);
    let mut kept: BTreeMap<Address, u64> = BTreeMap::new();
    rows(path, |_, row, bytes| {
        if let Some(who) = row.broadcaster() {
            let kept = kept.entry(who).or_default();
            *kept += 4 + bytes.len() as u64;
            if *kept > level {
                return Ok(());
            }
        }
        put(&mut file, bytes).map(drop)
    })?;
    file.flush()?;
    std::fs::rename(part, path)
}

#[cfg(test)]
mod tests;
