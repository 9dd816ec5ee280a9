//! Everything a node or a person does on chain: one file of calls for each contract.

mod broker;
mod challenges;
mod contests;
mod court;
mod ether;
mod fees;
mod jobs;
mod operators;
mod pool;
mod rounds;
mod stake;
mod token;
mod verifiers;
mod work;

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use assay_protocol::bls::BlsError;
use ethers::abi::{Token, encode};
use ethers::contract::EthCall;

use crate::contracts::Contracts;
use crate::queue::budget::Purpose;

pub use broker::BrokerCall;
pub use challenges::ChallengeCall;
pub use contests::ContestCall;
pub use court::CourtCall;
pub use ether::EtherCall;
pub use fees::FeeCall;
pub use jobs::JobCall;
pub use operators::OperatorCall;
pub(crate) use operators::Percent;
pub use pool::PoolCall;
pub use rounds::RoundsCall;
pub use stake::StakeCall;
pub use token::TokenCall;
pub use verifiers::VerifierCall;
pub use work::WorkCall;

/// What the calls of one contract have in common.
pub(crate) trait Callable {
    /// For logs and errors: what the call does.
    fn label(&self) -> String;

    /// Whom it is sent to.
    fn to(&self, contracts: &Contracts) -> Address;

    /// Selector and arguments.
    ///
    /// # Errors
    /// When a BLS key or signature in it is no point.
    fn data(&self) -> Result<Vec<u8>, BlsError>;

    /// Wei that go with it.
    fn value(&self) -> U256 {
        U256::ZERO
    }

    /// What its gas is spent on; evidence says so.
    fn purpose(&self) -> Purpose {
        Purpose::Chore
    }
}

/// Selector and arguments of a call whose structs are those of another contract's bindings: the encoding is the same.
fn arguments<C: EthCall>(tokens: &[Token]) -> Vec<u8> {
    [C::selector().as_slice(), &encode(tokens)].concat()
}

/// A call as the chain takes it.
#[derive(Clone, Debug)]
pub(crate) struct Encoded {
    pub label: String,
    pub to: Address,
    pub data: Bytes,
    pub value: U256,
}

/// Makes [`Call`] out of the calls of each contract, and each of them a `Call`.
macro_rules! calls {
    ($($(#[$doc:meta])* $name:ident($calls:ident),)+) => {
        /// A transaction by its meaning.
        #[derive(Clone, Debug)]
        pub enum Call {
            $($(#[$doc])* $name($calls),)+
        }

        impl Call {
            fn inner(&self) -> &dyn Callable {
                match self {
                    $(Self::$name(call) => call,)+
                }
            }
        }

        $(impl From<$calls> for Call {
            fn from(call: $calls) -> Self {
                Self::$name(call)
            }
        })+
    };
}

// One line for each contract; the order says nothing.
calls! {
    /// Money.
    Ether(EtherCall),
    /// LPT itself.
    Token(TokenCall),
    /// Signers and terms of operators.
    Operators(OperatorCall),
    /// Rounds.
    Rounds(RoundsCall),
    /// Deposits of broadcasters, and tickets.
    Broker(BrokerCall),
    /// Fees of stakes.
    Fees(FeeCall),
    /// Stakes.
    Stake(StakeCall),
    /// BLS keys of verifiers.
    Verifiers(VerifierCall),
    /// Jobs of broadcasters.
    Jobs(JobCall),
    /// Proofs and cases.
    Court(CourtCall),
    /// Certified work.
    Work(WorkCall),
    /// The pool of rewards, where there is one.
    Pool(PoolCall),
    /// Contested cases and the breaker.
    Contests(ContestCall),
    /// Finders, faults of verifiers, plants, demands.
    Challenges(ChallengeCall),
}

impl Call {
    /// For logs and errors: what the call does.
    pub fn label(&self) -> String {
        self.inner().label()
    }

    /// What its gas is spent on.
    pub fn purpose(&self) -> Purpose {
        self.inner().purpose()
    }

    /// One hash of everything it says: the same call, typed again, has the same one.
    ///
    /// # Errors
    /// When a BLS key or signature in it is no point.
    pub fn fingerprint(&self, contracts: &Contracts) -> Result<B256, BlsError> {
        let Encoded {
            to, data, value, ..
        } = self.encode(contracts)?;
        Ok(fingerprint(to, value, &data))
    }

    /// Address, data and value.
    ///
    /// # Errors
    /// When a BLS key or signature in it is no point.
    pub(crate) fn encode(&self, contracts: &Contracts) -> Result<Encoded, BlsError> {
        let call = self.inner();
        Ok(Encoded {
            label: call.label(),
            to: call.to(contracts),
            data: call.data()?.into(),
            value: call.value(),
        })
    }
}

/// One hash of everything that a transaction says.
pub(crate) fn fingerprint(to: Address, value: U256, data: &[u8]) -> B256 {
    let value = value.to_be_bytes::<32>();
    keccak256([to.as_slice(), &value, data].concat())
}
