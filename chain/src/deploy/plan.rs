//! What a deployment has signed, on disk before the chain hears of it: whoever goes on sends the same bytes.
//!
//! The file has one JSON object a line: first what is deployed, by whom and from which nonce on, then each signed
//! transaction. Lines are only added. They hold nothing that the chain does not show to everybody.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use alloy_primitives::{Address, B256, Bytes};
use serde::{Deserialize, Serialize};

use super::DeployConfig;
use crate::error::ChainError;
use crate::queue::fees::Fees;

/// Of this file's format.
const VERSION: u8 = 1;

/// What is deployed, by whom and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Terms {
    pub chain_id: u64,
    /// Hash of block 0: one development chain is not the next.
    pub genesis: B256,
    pub deployer: Address,
    pub first_nonce: u64,
    /// Of all creation code with its arguments.
    pub code: B256,
    pub config: DeployConfig,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FirstLine {
    version: u8,
    #[serde(flatten)]
    terms: Terms,
}

/// One signed form of a step's transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Form {
    /// Which step, from 0.
    pub step: usize,
    pub fees: Fees,
    /// Under which hash the chain knows it.
    pub tx: B256,
    pub raw: Bytes,
}

/// The file, or nothing where nobody would go on.
#[derive(Debug, Default)]
pub(super) struct Plan {
    path: Option<PathBuf>,
    file: Option<File>,
    terms: Option<Terms>,
    forms: Vec<Form>,
}

impl Plan {
    /// Reads the file, if it is there, and keeps every other process from it. It is made by [`Self::begin`].
    pub fn open(path: Option<&Path>) -> Result<Self, ChainError> {
        let mut plan = Self {
            path: path.map(Path::to_owned),
            ..Self::default()
        };
        let Some(path) = path.filter(|path| path.exists()) else {
            return Ok(plan);
        };
        let file = OpenOptions::new().read(true).append(true).open(path);
        let mut file = plan.lock(file)?;
        let mut text = String::new();
        let read = file.read_to_string(&mut text);
        read.map_err(|e| plan.unusable(e))?;
        // A line that a kill has cut off was of nothing that had been sent.
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let mut lines = text[..whole].lines();
        if let Some(first) = lines.next() {
            plan.terms = Some(plan.terms_of(first)?);
        }
        for line in lines {
            let form = serde_json::from_str(line).map_err(|e| plan.unusable(e))?;
            plan.forms.push(form);
        }
        let cut = file
            .set_len(whole as u64)
            .and_then(|()| file.seek(SeekFrom::End(0)));
        cut.map_err(|e| plan.unusable(e))?;
        plan.file = Some(file);
        Ok(plan)
    }

    fn terms_of(&self, line: &str) -> Result<Terms, ChainError> {
        let first: FirstLine = serde_json::from_str(line).map_err(|e| self.unusable(e))?;
        match first.version {
            VERSION => Ok(first.terms),
            other => Err(self.unusable(format!("format {other}, expected {VERSION}"))),
        }
    }

    fn lock(&self, file: std::io::Result<File>) -> Result<File, ChainError> {
        let file = file.map_err(|e| self.unusable(e))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(std::fs::TryLockError::WouldBlock) => {
                Err(self.unusable("another process is deploying by it"))
            }
            // A file system without locks.
            Err(std::fs::TryLockError::Error(_)) => Ok(file),
        }
    }

    /// First nonce of a deployment that was begun.
    pub fn first_nonce(&self) -> Option<u64> {
        self.terms.as_ref().map(|terms| terms.first_nonce)
    }

    /// Writes down what is deployed, or makes sure that it is what was begun.
    pub fn begin(&mut self, terms: Terms) -> Result<(), ChainError> {
        match &self.terms {
            Some(begun) if *begun == terms => return Ok(()),
            Some(begun) => return Err(self.unusable(difference(begun, &terms))),
            None => {}
        }
        if let (Some(path), None) = (&self.path, &self.file) {
            let file = OpenOptions::new()
                .read(true)
                .append(true)
                .create_new(true)
                .open(path);
            self.file = Some(self.lock(file)?);
        }
        let line = FirstLine {
            version: VERSION,
            terms,
        };
        self.write(&[&line])?;
        self.terms = Some(line.terms);
        Ok(())
    }

    /// Forms of one step, oldest first.
    pub fn forms(&self, step: usize) -> impl Iterator<Item = &Form> {
        self.forms.iter().filter(move |form| form.step == step)
    }

    /// Writes forms down; when this returns they may be sent.
    pub fn add(&mut self, forms: Vec<Form>) -> Result<(), ChainError> {
        self.write(&forms)?;
        self.forms.extend(forms);
        Ok(())
    }

    fn write(&mut self, lines: &[impl Serialize]) -> Result<(), ChainError> {
        let mut bytes = Vec::new();
        for line in lines {
            serde_json::to_writer(&mut bytes, line).map_err(|e| self.unusable(e))?;
            bytes.push(b'\n');
        }
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        let written = file.write_all(&bytes).and_then(|()| file.sync_all());
        written.map_err(|e| self.unusable(e))?;
        // The name in the folder as well; some file systems do not take this, and need none.
        let folder = self.path.as_deref().and_then(Path::parent);
        let folder = folder.filter(|folder| !folder.as_os_str().is_empty());
        if let Ok(folder) = File::open(folder.unwrap_or(Path::new("."))) {
            let _ = folder.sync_all();
        }
        Ok(())
    }

    fn unusable(&self, reason: impl std::fmt::Display) -> ChainError {
        let path = self.path.clone().unwrap_or_default();
        ChainError::Plan {
            path,
            reason: reason.to_string(),
        }
    }
}

/// In what a deployment differs from the one that was begun.
fn difference(begun: &Terms, asked: &Terms) -> String {
    if (begun.chain_id, begun.genesis) != (asked.chain_id, asked.genesis) {
        return format!(
            "it was begun on chain {} with block 0 of hash {}, this is chain {} with {}",
            begun.chain_id, begun.genesis, asked.chain_id, asked.genesis
        );
    }
    if begun.deployer != asked.deployer {
        return format!(
            "{} began it, this key is {}",
            begun.deployer, asked.deployer
        );
    }
    if begun.config != asked.config {
        return "it was begun with other parameters; type the command as it was then".into();
    }
    "it was begun by another version of the contracts; go on with the program of then".into()
}

#[cfg(test)]
mod tests {
    use super::super::TokenChoice;
    use super::*;
    use crate::contracts::Randomness;
    use alloy_primitives::U256;
    use assay_protocol::params::Params;

    fn terms(nonce: u64) -> Terms {
        Terms {
            chain_id: 1,
            genesis: B256::repeat_byte(1),
            deployer: Address::repeat_byte(2),
            first_nonce: nonce,
            code: B256::repeat_byte(3),
            config: DeployConfig {
                params: Params::demo(),
                randomness: Randomness::Blockhash,
                token: TokenChoice::Existing(Address::repeat_byte(4)),
                resolver: Address::repeat_byte(5),
            },
        }
    }

    fn form(step: usize, fee: u64) -> Form {
        Form {
            step,
            fees: Fees {
                max_fee: U256::from(fee),
                tip: U256::from(1),
            },
            tx: B256::repeat_byte(fee as u8),
            raw: vec![7; 100].into(),
        }
    }

    #[test]
    fn what_was_written_is_there_again_and_a_torn_line_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan");
        let mut plan = Plan::open(Some(&path)).unwrap();
        assert!(plan.first_nonce().is_none() && !path.exists());
        plan.begin(terms(7)).unwrap();
        plan.add(vec![form(0, 10), form(1, 10)]).unwrap();
        plan.add(vec![form(0, 20)]).unwrap();
        let busy = Plan::open(Some(&path)).unwrap_err().to_string();
        assert!(busy.contains("another process"), "{busy}");
        drop(plan);
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"{\"step\":1,\"fe").unwrap();
        drop(file);
        let mut plan = Plan::open(Some(&path)).unwrap();
        assert_eq!(plan.first_nonce(), Some(7));
        plan.begin(terms(7)).unwrap();
        let forms = |plan: &Plan, step| plan.forms(step).cloned().collect::<Vec<_>>();
        assert_eq!(forms(&plan, 0), [form(0, 10), form(0, 20)]);
        assert_eq!(forms(&plan, 1), [form(1, 10)]);
        plan.add(vec![form(1, 30)]).unwrap();
        drop(plan);
        let mut plan = Plan::open(Some(&path)).unwrap();
        assert_eq!(forms(&plan, 1), [form(1, 10), form(1, 30)]);
        let why = plan.begin(terms(8)).unwrap_err().to_string();
        assert!(why.contains("another version"), "{why}");
    }

    #[test]
    fn another_deployment_is_not_gone_on_with() {
        let begun = terms(1);
        let change = |change: fn(&mut Terms)| {
            let mut other = terms(1);
            change(&mut other);
            difference(&begun, &other)
        };
        assert!(change(|t| t.genesis = B256::ZERO).contains("chain 1"));
        assert!(change(|t| t.deployer = Address::ZERO).contains("this key is"));
        assert!(change(|t| t.config.resolver = Address::ZERO).contains("other parameters"));
        assert!(change(|t| t.code = B256::ZERO).contains("another version"));
    }
}
