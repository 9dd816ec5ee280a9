//! Where a deployment lives and what it was deployed with.

use std::path::Path;

use alloy_primitives::{Address, B256};
use assay_protocol::domain::Domain;
use assay_protocol::params::Params;
use serde::{Deserialize, Serialize};

/// Makes [`Contracts`] out of one line for each contract.
macro_rules! contracts {
    ($($(#[$doc:meta])* $field:ident = $name:literal,)+) => {
        /// Addresses of the contracts, under their Solidity names in files; in the order in which they are created.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "PascalCase")]
        pub struct Contracts {
            $($(#[$doc])* pub $field: Address,)+
        }

        impl Contracts {
            /// How many there are.
            pub const COUNT: usize = [$($name),+].len();

            /// Names and addresses in order of creation.
            pub const fn named(&self) -> [(&'static str, Address); Self::COUNT] {
                [$(($name, self.$field)),+]
            }

            /// From addresses in order of creation.
            pub(crate) fn numbered(mut at: impl FnMut(u64) -> Address) -> Self {
                let mut number = 0u64..;
                let mut next = || at(number.next().unwrap_or_default());
                Self {
                    $($field: next(),)+
                }
            }
        }
    };
}

contracts! {
    /// The staking token.
    livepeer_token = "LivepeerToken",
    /// Where job seeds come from.
    random_source = "RandomSource",
    /// Whose key acts for whom, and on which terms.
    operators = "Operators",
    /// Rounds by block number.
    rounds_manager = "RoundsManager",
    /// Active sets and their snapshots.
    roster = "Roster",
    /// ETH fees of transcoders and their delegators.
    fee_ledger = "FeeLedger",
    /// Stake of transcoders and verifiers.
    bonding_manager = "BondingManager",
    /// BLS keys of verifiers.
    verifier_registry = "VerifierRegistry",
    /// Jobs and their seeds.
    job_registry = "JobRegistry",
    /// What makes a signed object count against its signer.
    evidence = "Evidence",
    /// Proofs, cases and slashes; the EIP-712 verifying contract.
    fraud_court = "FraudCourt",
    /// Contested cases.
    contests = "Contests",
    /// Leaf openings, planted faults, verifiers' faults, finders' claims.
    challenges = "Challenges",
    /// Deposits of broadcasters and payment tickets.
    ticket_broker = "TicketBroker",
    /// Inflation; a funded pool where the token is somebody else's.
    minter = "Minter",
    /// Certified work.
    work_ledger = "WorkLedger",
}

/// Where the seeds of jobs come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Randomness {
    /// The same value for every block: demonstrations that must repeat. Everybody knows it in advance.
    Fixed(B256),
    /// The hash of the block: L1.
    Blockhash,
}

/// A deployment, as written to a JSON file that nodes read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deployment {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Block of the last contract; events are searched from the first one's on.
    pub deploy_block: u64,
    /// Addresses.
    pub contracts: Contracts,
    /// Source of seeds.
    pub randomness: Randomness,
    /// The account that decides contested cases.
    pub resolver: Address,
    /// Parameters given to the constructors, and those that nodes follow off chain.
    pub params: Params,
}

/// Why a deployment file is of no use.
#[derive(Debug, thiserror::Error)]
pub enum DeploymentFileError {
    /// Cannot be read or written.
    #[error("deployment file {path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// Not what [`Deployment::save`] writes.
    #[error(
        "deployment file {path} cannot be understood: {source}; get it anew from whoever deployed, or deploy with `assay deploy`"
    )]
    Content {
        /// The file.
        path: String,
        /// What is wrong and where.
        source: serde_json::Error,
    },
}

impl Deployment {
    /// The domain of every signature in this deployment.
    pub const fn domain(&self) -> Domain {
        Domain::new(self.chain_id, self.contracts.fraud_court)
    }

    /// Reads a deployment file.
    pub fn load(path: &Path) -> Result<Self, DeploymentFileError> {
        let name = || path.display().to_string();
        let bytes = std::fs::read(path).map_err(|source| DeploymentFileError::Io {
            path: name(),
            source,
        })?;
        serde_json::from_slice(&bytes).map_err(|source| DeploymentFileError::Content {
            path: name(),
            source,
        })
    }

    /// Writes a deployment file, whole or not at all.
    pub fn save(&self, path: &Path) -> Result<(), DeploymentFileError> {
        let name = || path.display().to_string();
        let io = |source| DeploymentFileError::Io {
            path: name(),
            source,
        };
        let mut bytes =
            serde_json::to_vec_pretty(self).map_err(|source| DeploymentFileError::Content {
                path: name(),
                source,
            })?;
        bytes.push(b'\n');
        let part = path.with_extension("part");
        std::fs::write(&part, bytes).map_err(io)?;
        std::fs::rename(&part, path).map_err(io)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_returns_what_was_saved() {
        let at = Address::repeat_byte;
        let deployment = Deployment {
            chain_id: 31_337,
            deploy_block: 1,
            contracts: Contracts::numbered(|number| at(number as u8 + 1)),
            resolver: at(99),
            randomness: Randomness::Fixed(B256::repeat_byte(8)),
            params: Params::demo(),
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deployment.json");
        assert!(matches!(
            Deployment::load(&path),
            Err(DeploymentFileError::Io { .. })
        ));
        deployment.save(&path).unwrap();
        assert_eq!(Deployment::load(&path).unwrap(), deployment);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains("\"FraudCourt\"") && text.contains("\"chainId\""));
        std::fs::write(&path, "{}").unwrap();
        assert!(matches!(
            Deployment::load(&path),
            Err(DeploymentFileError::Content { .. })
        ));
    }
}
