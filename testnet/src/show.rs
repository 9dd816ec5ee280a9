//! What a person sees while a network runs: a bar on a terminal, a line per notable event.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use assay_node::Notice;
use assay_protocol::amount::{Eth, Lpt};
use assay_protocol::assignment::short;
use assay_protocol::verdict::LeafId;
use assay_protocol::{Address, B256};
use indicatif::{ProgressBar, ProgressStyle};

/// Prints to standard error; standard output stays free for the summary.
pub struct Show {
    bar: Option<ProgressBar>,
    names: BTreeMap<Address, String>,
    started: Instant,
    receipts: BTreeMap<B256, u32>,
    slashed: std::collections::BTreeSet<B256>,
}

impl Default for Show {
    fn default() -> Self {
        Self::new()
    }
}

impl Show {
    /// A bar when standard error is a terminal, plain lines otherwise.
    pub fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(0);
            let style =
                ProgressStyle::with_template("{bar:24} {pos}/{len} segments  {elapsed}  {msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Self {
            bar,
            names: BTreeMap::new(),
            started: Instant::now(),
            receipts: BTreeMap::new(),
            slashed: Default::default(),
        }
    }

    /// Gives an account the name under which it is shown.
    pub fn name(&mut self, account: Address, name: &str) {
        self.names.insert(account, name.into());
    }

    /// A line.
    pub fn line(&self, text: impl AsRef<str>) {
        let line = format!(
            "{:>6.1}s  {}",
            self.started.elapsed().as_secs_f64(),
            text.as_ref()
        );
        match &self.bar {
            Some(bar) => bar.println(line),
            None => eprintln!("{line}"),
        }
    }

    /// How many segments are done, of how many.
    pub fn progress(&self, done: u64, of: u64) {
        if let Some(bar) = &self.bar {
            bar.set_length(of);
            bar.set_position(done);
        }
    }

    /// What the bar says beside its figures.
    pub fn status(&self, text: impl Into<String>) {
        if let Some(bar) = &self.bar {
            bar.set_message(text.into());
        }
    }

    /// Removes the bar.
    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn who(&self, account: &Address) -> String {
        self.names
            .get(account)
            .cloned()
            .unwrap_or_else(|| account.to_string())
    }

    fn leaf(&self, leaf: &LeafId) -> String {
        match self.receipts.get(&leaf.receipt) {
            Some(seq) => format!("segment {seq} leaf {}", leaf.index),
            None => format!("receipt {} leaf {}", short(&leaf.receipt), leaf.index),
        }
    }

    /// Shows what the node of `who` tells, where it is worth a line.
    pub fn notice(&mut self, who: Address, notice: &Notice) {
        let me = self.who(&who);
        let line = match notice {
            Notice::Assigned {
                seq,
                attempt,
                transcoder,
                leaves,
                frames,
                ..
            } => {
                let again = if *attempt > 0 {
                    format!(", attempt {attempt}")
                } else {
                    String::new()
                };
                format!(
                    "assignment  segment {seq} ({frames} frames, {leaves} chunks) -> {}{again}",
                    self.who(transcoder)
                )
            }
            Notice::Skipped {
                seq,
                transcoder,
                why,
            } => {
                format!(
                    "passed over {} for segment {seq}: {why}",
                    self.who(transcoder)
                )
            }
            Notice::Gap { seq } => format!("GAP         nobody delivered segment {seq}"),
            Notice::Receipted {
                seq,
                receipt,
                leaves,
                tampered,
                ..
            } => {
                self.receipts.insert(*receipt, *seq);
                let cheat = if tampered.is_empty() {
                    String::new()
                } else {
                    format!("  (cheats on leaf {tampered:?})")
                };
                format!("receipt     segment {seq} by {me}: {leaves} chunks{cheat}")
            }
            Notice::Sampled { leaf, pass } => {
                let found = if *pass { "right" } else { "WRONG" };
                format!("sample      {me}: {} is {found}", self.leaf(leaf))
            }
            Notice::Mismatch { leaf, transcoder } => {
                format!(
                    "mismatch    {me} recomputed {} of {} twice: other bytes",
                    self.leaf(leaf),
                    self.who(transcoder)
                )
            }
            Notice::Accused(leaf) => format!("accusation  {me} accuses {}", self.leaf(leaf)),
            Notice::Quorum {
                leaf,
                signers,
                weight_bps,
                ..
            } => format!(
                "quorum      {signers} verifiers with {:.1} % of the weight agree on {} ({me})",
                *weight_bps as f64 / 100.0,
                self.leaf(leaf)
            ),
            Notice::Acquitted(leaf) => format!("acquittal   {} is right ({me})", self.leaf(leaf)),
            Notice::Trouble { reason, .. } => {
                format!("trouble     {me} cannot check a receipt: reason {reason}")
            }
            Notice::TicketPaid { paid, burned, .. } => format!(
                "payment     {me} is paid {} ETH, {} ETH of it burn",
                Eth(*paid),
                Eth(*burned)
            ),
            Notice::Refused { reason } => format!("refusal     {me}: reason {reason}"),
            Notice::Transaction {
                what,
                hash,
                gas,
                block,
                ..
            } => {
                format!(
                    "transaction {what} by {me}: {gas} gas in block {block}, {}",
                    short(hash)
                )
            }
            Notice::TransactionFailed { what, reason } => {
                format!("transaction {what} by {me} failed: {reason}")
            }
            Notice::Slashed {
                case,
                operator,
                slashed,
                burned,
                ..
            } => {
                if !self.slashed.insert(*case) {
                    return;
                }
                let (slashed, burned) = (Lpt(*slashed), Lpt(*burned));
                format!(
                    "SLASH       {} loses {slashed} LPT, {burned} LPT burned",
                    self.who(operator)
                )
            }
            Notice::CaseClosed {
                case,
                operator,
                status,
                ..
            } => {
                if !self.slashed.insert(*case) {
                    return;
                }
                format!(
                    "closed      a case against {} without a slash: {status:?}",
                    self.who(operator)
                )
            }
            Notice::Evidence { kind, culprit, .. } => {
                format!("evidence    {me} keeps {kind} about {}", self.who(culprit))
            }
            Notice::Warning(text) => format!("warning     {me}: {text}"),
            Notice::Block(number) => return self.status(format!("block {number}")),
            _ => return,
        };
        self.line(line);
    }
}
