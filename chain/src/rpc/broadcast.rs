//! What nodes say to a signed transaction.

use crate::rpc::RpcError;

/// What the nodes say to a signed transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Broadcast {
    /// It is in a pool, from now or from before.
    Taken,
    /// The nonce is used already: perhaps by this very transaction.
    Spent,
    /// In no pool; why.
    Refused(String),
}

impl Broadcast {
    /// An error only where it may or may not have arrived; a node's opinions are values. Nodes word them differently
    /// (geth, reth, Nethermind, Besu, anvil).
    pub fn of(answer: Result<(), RpcError>) -> Result<Self, RpcError> {
        let error = match answer {
            Ok(()) => return Ok(Self::Taken),
            Err(error) => error,
        };
        let RpcError::Refused { code, message, .. } = &error else {
            return Err(error);
        };
        let lower = message.to_lowercase();
        let any = |words: &[&str]| words.iter().any(|w| lower.contains(w));
        Ok(
            if any(&[
                "already known",
                "alreadyknown",
                "already imported",
                "known transaction",
            ]) {
                Self::Taken
            } else if any(&["nonce too low", "oldnonce", "nonce is too low"]) {
                Self::Spent
            } else if error.is_local_refusal() && !matches!(code, -32601 | -32004) {
                // It may be in the pool all the same: geth's clock (−32002) runs on after that. A node without the
                // method has not taken it.
                return Err(error);
            } else {
                Self::Refused(message.clone())
            },
        )
    }

    /// Two nodes' opinions as one: a used nonce is a fact, a refusal an opinion.
    pub fn or(self, other: Option<Self>) -> Self {
        match (self, other) {
            (Self::Taken, _) | (_, Some(Self::Taken)) => Self::Taken,
            (Self::Spent, _) | (_, Some(Self::Spent)) => Self::Spent,
            (refused, _) => refused,
        }
    }
}

/// Whether a refusal, in a node's words, is one that a higher fee may change.
pub(crate) fn is_about_price(reason: &str) -> bool {
    let lower = reason.to_lowercase();
    let any = |words: &[&str]| words.iter().any(|w| lower.contains(w));
    // "insufficient funds for gas * price + value"
    let funds = ["insufficient", "insufficientfunds", "exceeds"];
    let price = [
        "underpriced",
        "base fee",
        "basefee",
        "fee too low",
        "feetoolow",
        "gas price",
        "gasprice",
        "max fee per gas",
        "fee cap",
    ];
    !any(&funds) && any(&price)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(message: &str) -> Result<Broadcast, RpcError> {
        coded(-32000, message)
    }

    fn coded(code: i64, message: &str) -> Result<Broadcast, RpcError> {
        Broadcast::of(Err(RpcError::Refused {
            method: "eth_sendRawTransaction",
            code,
            message: message.into(),
            data: None,
        }))
    }

    #[test]
    fn every_node_s_words_are_understood() {
        for words in [
            "already known",
            "ALREADY_EXISTS: already known",
            "AlreadyKnown",
        ] {
            assert_eq!(said(words), Ok(Broadcast::Taken), "{words}");
        }
        for words in [
            "nonce too low: next nonce 5, tx nonce 4",
            "OldNonce",
            "Nonce too low",
        ] {
            assert_eq!(said(words), Ok(Broadcast::Spent), "{words}");
        }
        for words in [
            "replacement transaction underpriced",
            "max fee per gas less than block base fee: address 0x1, maxFeePerGas: 1, baseFee: 2",
            "FeeTooLow, MaxFeePerGas too low",
            "Gas price below configured minimum gas price",
        ] {
            assert!(is_about_price(words), "{words}");
        }
        for words in [
            "insufficient funds for gas * price + value",
            "InsufficientFunds, Account balance: 0",
            "intrinsic gas too low",
            "exceeds block gas limit",
        ] {
            assert!(!is_about_price(words), "{words}");
        }
        let refused = said("insufficient funds for gas * price + value").unwrap();
        assert!(matches!(refused, Broadcast::Refused(_)));
        assert_eq!(refused.clone().or(Some(Broadcast::Spent)), Broadcast::Spent);
        assert_eq!(refused.clone().or(None), refused);
    }

    #[test]
    fn what_says_nothing_about_the_transaction_leaves_it_open() {
        for code in [-32002, -32005, -32603] {
            assert!(coded(code, "request timed out").is_err(), "{code}");
            assert_eq!(coded(code, "already known"), Ok(Broadcast::Taken));
            assert_eq!(coded(code, "nonce too low"), Ok(Broadcast::Spent));
        }
        for code in [-32000, -32003, -32004, -32601] {
            let refused = coded(code, "not today");
            assert_eq!(refused, Ok(Broadcast::Refused("not today".into())));
        }
    }
}
