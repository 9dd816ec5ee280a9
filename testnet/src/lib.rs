//! assay-testnet
