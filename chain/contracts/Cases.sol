// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Addresses} from "./Addresses.sol";
import {CaseState, CaseStatus, FaultKind, IFraudCourt} from "./interfaces/IFraudCourt.sol";
import {IRoundsManager} from "./interfaces/IRoundsManager.sol";
import {ISlashable} from "./interfaces/ISlashable.sol";
import {IVerifierRegistry} from "./interfaces/IVerifierRegistry.sol";
import {Bursts} from "./libraries/Bursts.sol";
import {Role} from "./objects/Role.sol";
import {InvalidParameter, Parameters} from "./Parameters.sol";

/// @title From a proven fault to the slash: case, window, execution, payout
abstract contract Cases is IFraudCourt {
    using Bursts for Bursts.History;
    using SafeERC20 for IERC20;

    /// @dev One slot, and for kinds with signers another.
    struct Case {
        address operator;
        uint32 openedBlock;
        uint32 leafIndex;
        FaultKind kind;
        CaseStatus status;
        Signers signers;
    }

    /// @dev One slot. Bitmap and round say who signed; nothing is stored per signer.
    struct Signers {
        uint64 bitmap;
        uint32 round;
        uint64 claimed;
        uint96 reward;
    }

    /// @dev Of wrong encodes and leaf faults. `strikes` counts repeats, `round` is that of the last execution.
    struct Offences {
        uint64 round;
        uint8 strikes;
    }

    uint256 private constant BPS = 10_000;
    /// Doubling this often makes any penalty the whole.
    uint8 private constant MAX_STRIKES = 14;

    /// The staked token; what nobody is entitled to is burned.
    ERC20Burnable public immutable token;
    /// Whose stake is cut.
    ISlashable public immutable stakes;
    /// Says who signs in which round.
    IVerifierRegistry public immutable registry;
    /// Blocks from a case's opening to its earliest execution.
    uint64 public immutable caseWindow;
    /// Rounds within which another execution is a repeat.
    uint64 public immutable repeatRounds;
    /// Penalty of a first wrong encode or leaf fault, in 1/10,000.
    uint256 public immutable wrongEncodeBps;
    /// Penalty of an equivocation, in 1/10,000.
    uint256 public immutable equivocationBps;
    /// The signers' part of what is cut from the own bond, in 1/10,000.
    uint256 public immutable signersBps;

    mapping(bytes32 caseId => Case) private _cases;
    mapping(address operator => Bursts.History) private _bursts;
    mapping(address operator => Offences) private _offences;

    constructor(Parameters memory parameters, Addresses memory addresses) {
        if (parameters.deadlineBlocks >= Bursts.MAX_SPAN) {
            revert InvalidParameter("deadlineBlocks", parameters.deadlineBlocks, Bursts.MAX_SPAN - 1);
        }
        if (parameters.wrongEncodeBps > BPS) {
            revert InvalidParameter("wrongEncodeBps", parameters.wrongEncodeBps, BPS);
        }
        if (parameters.equivocationBps > BPS) {
            revert InvalidParameter("equivocationBps", parameters.equivocationBps, BPS);
        }
        // Rewards never exceed half of the own cut, so that reporting oneself loses.
        if (parameters.signersBps > BPS / 2) {
            revert InvalidParameter("signersBps", parameters.signersBps, BPS / 2);
        }
        token = ERC20Burnable(addresses.token);
        stakes = ISlashable(addresses.bonding);
        registry = IVerifierRegistry(addresses.registry);
        caseWindow = parameters.caseWindow;
        repeatRounds = parameters.repeatRounds;
        wrongEncodeBps = parameters.wrongEncodeBps;
        equivocationBps = parameters.equivocationBps;
        signersBps = parameters.signersBps;
    }

    /// @inheritdoc IFraudCourt
    function execute(bytes32 caseId) external {
        Case storage c = _inStatus(caseId, CaseStatus.Open);
        uint256 executableAt = uint256(c.openedBlock) + caseWindow;
        if (block.number < executableAt) revert WindowOpen(caseId, executableAt);
        (address operator, FaultKind kind) = (c.operator, c.kind);
        c.status = CaseStatus.Executed;
        uint256 bps = _punish(kind, operator);

        Role role = _roleOf(kind);
        (uint256 ownCut, uint256 delegatedCut) = stakes.slash(role, operator, bps);
        uint256 slashed = ownCut + delegatedCut;
        uint256 reward = _signersReward(c, ownCut);
        // At most half of two share pools, each below 2^96.
        if (reward != 0) c.signers.reward = uint96(reward);
        stakes.unfreeze(role, operator);
        emit CaseExecuted(caseId, operator, slashed, slashed - reward, reward);
        if (slashed != reward) token.burn(slashed - reward);
    }

    /// @inheritdoc IFraudCourt
    function claimSigner(bytes32 caseId, uint256 position) external returns (uint256 amount) {
        Case storage c = _inStatus(caseId, CaseStatus.Executed);
        uint64 bit = position < 64 ? uint64(1) << uint64(position) : 0;
        Signers memory signers = c.signers;
        if (signers.bitmap & bit == 0) revert NotASigner(caseId, position);
        if (signers.claimed & bit != 0) revert AlreadyPaid(caseId, position);
        (address verifier, uint256 weight) = registry.verifierAt(signers.round, position);
        if (stakes.isFrozen(Role.Verifier, verifier)) revert SignerFrozen(verifier);
        c.signers.claimed = signers.claimed | bit;
        (uint256 signed,,) = registry.weigh(signers.round, signers.bitmap, c.operator);
        // Rounded down: the parts of all signers never exceed the reward.
        amount = signers.reward * weight / signed;
        emit SignerPaid(caseId, verifier, amount);
        IERC20(token).safeTransfer(verifier, amount);
    }

    /// @inheritdoc IFraudCourt
    function caseOf(bytes32 caseId) external view returns (CaseState memory state) {
        Case storage c = _cases[caseId];
        if (c.status == CaseStatus.None) return state;
        state = CaseState({
            operator: c.operator,
            kind: c.kind,
            status: c.status,
            round: c.signers.round,
            openedBlock: c.openedBlock,
            executableAt: c.openedBlock + caseWindow,
            leafIndex: c.leafIndex,
            bitmap: c.signers.bitmap,
            claimed: c.signers.claimed,
            signersReward: c.signers.reward
        });
    }

    /// @inheritdoc IFraudCourt
    function receiptCaseId(FaultKind kind, bytes32 receiptHash) public pure returns (bytes32) {
        return keccak256(abi.encode(kind, receiptHash));
    }

    /// @inheritdoc IFraudCourt
    function burstAt(address operator, uint256 signedBlock) public view returns (uint64 openedBlock) {
        return _bursts[operator].covering(signedBlock, _burstBlocks());
    }

    /// @inheritdoc IFraudCourt
    function penaltyOf(FaultKind kind, address operator) public view returns (uint256 bps) {
        (bps,) = _penalty(kind, operator, _rounds().currentRound());
    }

    /// @dev Opens the case and freezes the operator.
    ///      `round` and `bitmap` say who signed; zeros for kinds without signers.
    function _open(
        bytes32 caseId,
        FaultKind kind,
        address operator,
        bytes32 receiptHash,
        uint32 leafIndex,
        uint64 round,
        uint64 bitmap
    ) internal {
        Case storage c = _cases[caseId];
        if (c.status != CaseStatus.None) revert AlreadyProven(caseId);
        c.operator = operator;
        c.openedBlock = SafeCast.toUint32(block.number);
        c.leafIndex = leafIndex;
        c.kind = kind;
        c.status = CaseStatus.Open;
        if (bitmap != 0) c.signers = Signers(bitmap, SafeCast.toUint32(round), 0, 0);
        emit CaseOpened(
            caseId, kind, operator, receiptHash, leafIndex, bitmap, block.number, block.number + caseWindow
        );
        stakes.freeze(_roleOf(kind), operator);
    }

    /// @dev Whether a wrong encode may still be proven, before anything costly is checked.
    function _requireUnproven(bytes32 caseId) internal view {
        if (_cases[caseId].status != CaseStatus.None) revert AlreadyProven(caseId);
    }

    /// @dev One burst is one fault: reverts if a case covers the assignment's block; records this case's.
    function _startBurst(address operator, uint256 signedBlock) internal {
        uint64 opened = burstAt(operator, signedBlock);
        if (opened != 0) revert AbsorbedByBurst(operator, opened);
        _bursts[operator].record(block.number);
    }

    /// @dev Blocks that a burst spans: D and the block of the opening itself.
    function _burstBlocks() internal view virtual returns (uint256);

    function _rounds() internal view virtual returns (IRoundsManager);

    /// @dev Counts the offence and returns what it costs.
    function _punish(FaultKind kind, address operator) private returns (uint256 bps) {
        uint64 round = _rounds().currentRound();
        uint8 strikes;
        (bps, strikes) = _penalty(kind, operator, round);
        if (_doubles(kind)) _offences[operator] = Offences(round, strikes + 1);
    }

    function _penalty(FaultKind kind, address operator, uint64 round)
        private
        view
        returns (uint256 bps, uint8 strikes)
    {
        if (!_doubles(kind)) return (equivocationBps, 0);
        Offences memory past = _offences[operator];
        if (past.strikes != 0 && round <= past.round + repeatRounds) strikes = past.strikes;
        if (strikes >= MAX_STRIKES) strikes = MAX_STRIKES - 1;
        bps = wrongEncodeBps << strikes;
        if (bps > BPS) bps = BPS;
    }

    /// @dev The signers' part of the own cut, by weight: what absent verifiers would have had is burned.
    function _signersReward(Case storage c, uint256 ownCut) private view returns (uint256) {
        Signers storage signers = c.signers;
        uint64 bitmap = signers.bitmap;
        if (bitmap == 0 || ownCut == 0) return 0;
        (uint256 signed, uint256 total,) = registry.weigh(signers.round, bitmap, c.operator);
        return ownCut * signersBps * signed / (BPS * total);
    }

    function _inStatus(bytes32 caseId, CaseStatus expected) private view returns (Case storage c) {
        c = _cases[caseId];
        if (c.status == CaseStatus.None) revert UnknownCase(caseId);
        if (c.status != expected) revert WrongStatus(caseId, c.status, expected);
    }

    function _doubles(FaultKind kind) private pure returns (bool) {
        return kind == FaultKind.WrongEncode || kind == FaultKind.LeafFault;
    }

    function _roleOf(FaultKind kind) private pure returns (Role) {
        return kind == FaultKind.VerifierEquivocation ? Role.Verifier : Role.Transcoder;
    }
}
