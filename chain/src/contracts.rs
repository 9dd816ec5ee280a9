//! Where a deployment lives and what it was deployed with.

use std::path::Path;

use alloy_primitives::{Address, B256};
use assay_protocol::domain::Domain;
use assay_protocol::params::Params;
use serde::{Deserialize, Serialize};

/// Addresses of the contracts, under their Solidity names in files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Contracts {
    /// The staking token.
    pub livepeer_token: Address,
    /// Where job seeds come from.
    pub random_source: Address,
    /// Rounds by block number.
    pub rounds_manager: Address,
    /// Stake of transcoders and verifiers.
    pub bonding_manager: Address,
    /// BLS keys of verifiers.
    pub verifier_registry: Address,
    /// Jobs and their seeds.
    pub job_registry: Address,
    /// Proofs, cases and slashes; the EIP-712 verifying contract.
    pub fraud_court: Address,
}

impl Contracts {
    /// Names and addresses in order of deployment.
    pub const fn named(&self) -> [(&'static str, Address); 7] {
        [
            ("LivepeerToken", self.livepeer_token),
            ("RandomSource", self.random_source),
            ("RoundsManager", self.rounds_manager),
            ("BondingManager", self.bonding_manager),
            ("VerifierRegistry", self.verifier_registry),
            ("JobRegistry", self.job_registry),
            ("FraudCourt", self.fraud_court),
        ]
    }
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
        "deployment file {path} cannot be understood: {source}; write it anew with `assay deploy`"
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
            contracts: Contracts {
                livepeer_token: at(1),
                random_source: at(2),
                rounds_manager: at(3),
                bonding_manager: at(4),
                verifier_registry: at(5),
                job_registry: at(6),
                fraud_court: at(7),
            },
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
