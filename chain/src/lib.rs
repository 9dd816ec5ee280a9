//! assay-chain
