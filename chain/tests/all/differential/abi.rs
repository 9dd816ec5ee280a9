//! What the sequences call of each contract.

use alloy_sol_types::sol;

sol! {
    struct PoolState {
        uint256 ownStake;
        uint256 delegatedStake;
        uint256 ownUnbonding;
        uint256 delegatedUnbonding;
        uint256 pendingRewards;
        uint64 pendingUntil;
        uint256 weight;
        uint16 openCases;
        uint32 generation;
    }

    struct LockState {
        address holder;
        uint8 role;
        address operator;
        address destination;
        uint256 amount;
        uint64 round;
        uint64 withdrawableRound;
        uint64 withdrawableBlock;
    }

    struct FeePool {
        uint256 pending;
        uint256 undivided;
        uint64 endBlock;
    }

    function approve(address spender, uint256 amount) returns (bool);
    function transfer(address to, uint256 amount) returns (bool);
    function balanceOf(address account) view returns (uint256);
    function totalSupply() view returns (uint256);
    function openRound() returns (uint64);
    function openableAt() view returns (uint256);
    function currentRound() view returns (uint64);
    function setCuts(uint8 role, uint16 rewardCutBps, uint16 feeShareBps);
    function bond(uint8 role, uint256 amount);
    function delegate(uint8 role, address operator, uint256 amount);
    function unbond(uint8 role, address operator, uint256 amount) returns (uint256);
    function move(uint8 role, address from, address to, uint256 amount) returns (uint256);
    function rebond(uint256 lockId) returns (uint256);
    function arrive(uint256 lockId) returns (uint256);
    function withdraw(uint256 lockId) returns (uint256);
    function enlist(uint8 role, address operator);
    function freeze(uint8 role, address operator);
    function unfreeze(uint8 role, address operator);
    function slash(uint8 role, address operator, uint256 bps) returns (uint256, uint256);
    function pool(uint8 role, address operator) view returns (PoolState memory);
    function stakeOf(uint8 role, address operator, address holder) view returns (uint256);
    function sharesOf(uint8 role, address operator) view returns (uint256, uint256, uint32);
    function lockOf(uint256 lockId) view returns (LockState memory);
    function lockCount() view returns (uint256);
    function totalBonded() view returns (uint256);
    function credit(address operator, uint64 round) payable;
    function withdrawFees(address operator, address to) returns (uint256);
    function feesOf(address operator, address holder) view returns (uint256);
    function poolOf(address operator) view returns (FeePool memory);
    function pay(uint64 round, uint8 role, address operator, uint256 amount);
    function budgetOf(uint64 round) view returns (uint256, uint256);
    function currentInflationPpb() view returns (uint256);

    struct Ticket {
        bytes32 assignmentHash;
        address recipient;
        address sender;
        uint256 faceValue;
        uint256 winProb;
        uint64 nonce;
        bytes32 recipientRandHash;
    }

    struct Work {
        uint256 jobId;
        uint32 seq;
        uint8 attempt;
        uint64 round;
        address transcoder;
        bytes32 sourceHash;
        uint64 sourceLen;
        bytes32 framesRoot;
        uint32 frameCount;
        bytes32 profilesHash;
        bytes32 encoderId;
        uint32 leafCount;
        uint256 pricePerPixel;
        uint64 deadlineBlock;
    }

    struct Redemption {
        Ticket ticket;
        bytes signature;
        bytes32 recipientRand;
        Work assignment;
    }

    struct SenderState {
        uint256 deposit;
        uint256 reserve;
        uint64 withdrawRound;
        uint256 burned;
    }

    function depositAndReserve(address broadcaster, uint256 deposit, uint256 reserve) payable;
    function unlock() returns (uint64);
    function cancelUnlock();
    function redeem(Redemption calldata redemption) returns (uint256);
    function redeemBatch(Redemption[] calldata redemptions) returns (uint256);
    function slashReserve(address broadcaster) returns (uint256);
    function burn(address broadcaster) returns (uint256);
    function senderOf(address broadcaster) view returns (SenderState memory);
    function partAnew(address broadcaster) returns (uint64, uint64);
    function partsOf(address sender, address recipient) view returns (uint256 present, uint256 next);
    function partingOf(address broadcaster) view returns (uint256 whole, uint64 round, uint64 announced, uint64 from);
    function isRedeemed(bytes32 ticketHash) view returns (bool);

    function weightOf(uint8 role, address operator) view returns (uint96);
    function activeSet(uint8 role) view returns (address[] memory, uint256[] memory);
    function snapshot(uint8 role, uint64 round) view returns (address[] memory, uint256[] memory, uint256[] memory);
    function totalAt(uint8 role, uint64 round) view returns (uint256);
    function release(uint8 role, address operator);
    function isJailed(uint8 role, address operator) view returns (bool);

    struct List {
        uint64 round;
        bytes32 claimsRoot;
        uint32 claims;
        uint64 totalPixels;
        uint64 duties;
    }

    struct Claim {
        address transcoder;
        uint64 round;
        bytes32 receiptsRoot;
        uint64 pixels;
    }

    struct Answer {
        bytes32 assignmentHash;
        bytes32 outputRoot;
        uint64 outputBytes;
        bytes32 plant;
    }

    struct SignedWork {
        Work assignment;
        bytes broadcasterSignature;
        Answer receipt;
        bytes transcoderSignature;
    }

    struct Chunk {
        uint8 rendition;
        uint32 chunk;
        bytes32 framesRoot;
        uint32 outputLen;
        bytes32 outputHash;
    }

    struct ChunkPath {
        Chunk leaf;
        uint32 leafIndex;
        bytes32[] path;
    }

    struct QuorumVerdict {
        bytes32 recomputedHash;
        uint64 bitmap;
        bytes aggregateSignature;
    }

    function prove(SignedWork calldata signed, ChunkPath calldata proof, QuorumVerdict calldata verdict) returns (bytes32);
    function execute(bytes32 caseId);
    function statusOf(bytes32 caseId) view returns (address, uint8, uint8, uint256);
    function resolve(bytes32 caseId, bool guilty);
    function claimSigner(bytes32 caseId, uint256 position) returns (uint256);
    function claimFinder(Work calldata assignment, uint256 position, bytes calldata ticket) returns (bytes32);
    function settleFinder(Work calldata assignment) returns (uint256);

    function createJob(bytes calldata profiles, uint256 maxPricePerPixel) returns (uint256);
    function register(address operator, bytes calldata key, bytes calldata possession) returns (uint256);
    function certify(List calldata work, uint64 bitmap, bytes calldata aggregate);
    function claim(Claim calldata claim_, uint256 index, bytes32[] calldata path) returns (uint256);
    function claimDuty(uint64 round, uint256 position) returns (uint256);
}

/// Names that another contract has for something else.
pub mod broker {
    alloy_sol_types::sol! {
        function withdraw() returns (uint256);
    }
}
