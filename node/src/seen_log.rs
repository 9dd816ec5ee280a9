//! What a verifier has seen of the running rounds, on disk: after a restart it confirms what it did before.
//!
//! The chain is read anew at every start, gossip is not. Rows are appended as they come and read once, when the chain's
//! history is known. A row that `kill -9` has torn ends its file, and is cut off.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use assay_protocol::round_work::Segment;
use assay_protocol::wire::{SampleReport, decode, encode};
use assay_protocol::{Address, B256, U256};
use assay_verifier::certify::{Input, SeenAssignment};
use serde::{Deserialize, Serialize};

/// Rounds whose rows are kept: the present one, and those before it that may not be certified yet.
const ROUNDS: usize = 4;
/// Most bytes of one round: a million assignments with their receipts.
const MAX_BYTES: u64 = 512 << 20;
/// Bytes of a row at most; a report names what it could not check, and has come as gossip.
const MAX_ROW: usize = 1 << 17;

/// An assignment without its receipts.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Assigned {
    hash: B256,
    max_price: U256,
    job: U256,
    seq: u32,
    attempt: u8,
    round: u64,
    first_round: u64,
    forced: bool,
    transcoder: Address,
    deadline_block: u64,
    pixels: u64,
}

impl From<&SeenAssignment> for Assigned {
    fn from(seen: &SeenAssignment) -> Self {
        let segment = &seen.segment;
        Self {
            hash: seen.hash,
            max_price: seen.max_price,
            job: segment.job,
            seq: segment.seq,
            attempt: segment.attempt,
            round: segment.round,
            first_round: segment.first_round,
            forced: segment.forced,
            transcoder: segment.transcoder,
            deadline_block: segment.deadline_block,
            pixels: segment.pixels,
        }
    }
}

impl From<Assigned> for SeenAssignment {
    fn from(a: Assigned) -> Self {
        Self {
            hash: a.hash,
            max_price: a.max_price,
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
    /// The round that is written, and how much of it there is.
    open: Option<(u64, File, u64)>,
    recalled: bool,
}

impl SeenLog {
    /// The log of a node whose folder this is.
    pub(crate) fn new(node: &Path) -> Self {
        Self {
            folder: node.join("seen"),
            open: None,
            recalled: false,
        }
    }

    /// Writes down what matters to a round's list, heard in `block` of `round`.
    pub(crate) fn append(&mut self, input: &Input, round: u64, block: u64) -> io::Result<()> {
        let Some(row) = Row::of(input) else {
            return Ok(());
        };
        let row = encode(&(block, row)).map_err(io::Error::other)?;
        if self.open.as_ref().is_none_or(|(open, ..)| *open != round) {
            self.open = Some(self.begin(round)?);
        }
        let Some((_, file, size)) = &mut self.open else {
            return Ok(());
        };
        if row.len() > MAX_ROW || *size > MAX_BYTES {
            return Ok(());
        }
        // In one write, so that another row never follows a part of one.
        let length = row.len() as u32;
        let frame = [&length.to_be_bytes()[..], &row].concat();
        *size += frame.len() as u64;
        file.write_all(&frame)
    }

    fn begin(&self, round: u64) -> io::Result<(u64, File, u64)> {
        std::fs::create_dir_all(&self.folder)?;
        let path = self.folder.join(format!("{round:08}.log"));
        let file = OpenOptions::new().create(true).append(true).open(path)?;
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
        let mut files: Vec<_> = files.filter_map(|file| Some(file.ok()?.path())).collect();
        files.sort();
        files
    }

    /// What was seen before this start, with its blocks; once.
    pub(crate) fn recall(&mut self) -> io::Result<Vec<(u64, Input)>> {
        if std::mem::replace(&mut self.recalled, true) {
            return Ok(Vec::new());
        }
        let mut inputs = Vec::new();
        for path in self.files() {
            let bytes = std::fs::read(&path)?;
            let mut rest = bytes.as_slice();
            while let Some((block, row, after)) = next(rest) {
                inputs.push((block, row.input()));
                rest = after;
            }
            if !rest.is_empty() {
                let whole = bytes.len() - rest.len();
                let file = OpenOptions::new().write(true).open(&path)?;
                file.set_len(whole as u64)?;
            }
        }
        Ok(inputs)
    }
}

/// The first row of some bytes, and what follows; `None` at their end and where a row is torn.
fn next(bytes: &[u8]) -> Option<(u64, Row, &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (row, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
    let (block, row) = decode(row).ok()?;
    Some((block, row, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assignment(seq: u32) -> Box<SeenAssignment> {
        Box::new(SeenAssignment {
            hash: B256::repeat_byte(seq as u8),
            max_price: U256::from(7),
            segment: Segment {
                job: U256::from(1),
                seq,
                attempt: 0,
                round: 3,
                first_round: 3,
                forced: true,
                transcoder: Address::repeat_byte(9),
                deadline_block: 40,
                pixels: 1_000,
                receipts: Vec::new(),
            },
        })
    }

    fn receipt(seq: u32) -> Input {
        Input::Receipt {
            assignment: assignment(seq),
            receipt: B256::repeat_byte(0xee),
            leaves: 4,
        }
    }

    /// What was recalled, in words.
    fn recalled(folder: &Path) -> Vec<String> {
        let inputs = SeenLog::new(folder).recall().unwrap();
        let words = inputs
            .iter()
            .map(|(block, input)| format!("{block} {input:?}"));
        words.collect()
    }

    #[test]
    fn what_was_seen_is_there_after_a_restart_but_for_a_torn_end() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = SeenLog::new(folder.path());
        log.append(&Input::Assignment(assignment(1)), 3, 30)
            .unwrap();
        log.append(&receipt(1), 3, 31).unwrap();
        log.append(&Input::Block, 3, 32).unwrap();
        log.append(&receipt(2), 4, 33).unwrap();
        let expected = [
            format!("30 {:?}", Input::Assignment(assignment(1))),
            format!("31 {:?}", receipt(1)),
            format!("33 {:?}", receipt(2)),
        ];
        assert_eq!(recalled(folder.path()), expected);
        // A start that dies while it writes, and one after it.
        let path = folder.path().join("seen").join("00000004.log");
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, [&whole[..], &whole[..20]].concat()).unwrap();
        assert_eq!(recalled(folder.path()), expected);
        assert_eq!(std::fs::read(&path).unwrap(), whole);
        let mut log = SeenLog::new(folder.path());
        assert_eq!(log.recall().unwrap().len(), 3);
        log.append(&receipt(5), 4, 34).unwrap();
        assert!(log.recall().unwrap().is_empty(), "once");
        assert_eq!(recalled(folder.path()).len(), 4);
    }

    #[test]
    fn old_rounds_are_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = SeenLog::new(folder.path());
        for round in 0..9 {
            log.append(&receipt(1), round, round).unwrap();
        }
        assert_eq!(recalled(folder.path()).len(), ROUNDS);
    }
}
