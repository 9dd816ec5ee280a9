// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Addresses} from "./Addresses.sol";
import {ICourt} from "./interfaces/ICourt.sol";
import {IContests} from "./interfaces/IContests.sol";
import {CaseState, CaseStatus, Cause, FaultKind, IFraudCourt, Opening} from "./interfaces/IFraudCourt.sol";
import {IRoundsManager} from "./interfaces/IRoundsManager.sol";
import {ISlashable} from "./interfaces/ISlashable.sol";
import {IVerifierRegistry} from "./interfaces/IVerifierRegistry.sol";
import {Burns} from "./libraries/Burns.sol";
import {Case, CaseWords, Head, Votes} from "./libraries/CaseWords.sol";
import {SlashSums, SlashSums40} from "./libraries/SlashSums.sol";
import {Role} from "./objects/Role.sol";
import {Parameters} from "./Parameters.sol";
import {Penalties, Sentence} from "./Penalties.sol";

/// @title From a proven fault to the slash: case, window, contest, execution, payout
abstract contract Cases is Penalties {
    using Burns for ERC20Burnable;
    using CaseWords for uint256;
    using CaseWords for Head;
    using CaseWords for Votes;
    using SafeERC20 for IERC20;
    using SlashSums40 for SlashSums;

    /// The staked token; what nobody is entitled to is burned.
    ERC20Burnable public immutable token;
    /// Whose stake is cut.
    ISlashable public immutable stakes;
    /// Says who signs in which round.
    IVerifierRegistry public immutable registry;
    /// Says which round it is.
    IRoundsManager public immutable rounds;
    /// @inheritdoc IFraudCourt
    address public immutable contests;
    /// @inheritdoc IFraudCourt
    address public immutable challenges;
    /// @inheritdoc IFraudCourt
    uint64 public immutable caseWindow;
    /// Rounds within which quorum slashes are held against the signers' own stake.
    uint64 public immutable capRounds;

    mapping(bytes32 caseId => Case) private _cases;
    SlashSums private _slashes;

    modifier only(address expected) {
        if (msg.sender != expected) revert NotAllowed(msg.sender, expected);
        _;
    }

    constructor(Parameters memory parameters, Addresses memory addresses) Penalties(parameters) {
        token = ERC20Burnable(addresses.token);
        stakes = ISlashable(addresses.bonding);
        registry = IVerifierRegistry(addresses.registry);
        rounds = IRoundsManager(addresses.rounds);
        contests = addresses.contests;
        challenges = addresses.challenges;
        caseWindow = parameters.caseWindow;
        capRounds = parameters.capRounds;
        _slashes.prepare();
    }

    // ---- execution and payout ----

    /// @inheritdoc IFraudCourt
    function execute(bytes32 caseId) external {
        (Case storage c, Head memory head) = _inStatus(caseId, CaseStatus.Open);
        uint256 executableAt = uint256(head.openedBlock) + caseWindow;
        if (block.number < executableAt) revert WindowOpen(caseId, executableAt);
        _execute(caseId, c, head, false);
    }

    /// @inheritdoc IFraudCourt
    function claimSigner(bytes32 caseId, uint256 position) external returns (uint256 amount) {
        (Case storage c, Head memory head) = _inStatus(caseId, CaseStatus.Executed);
        uint64 bit = position < 64 ? uint64(1) << uint64(position) : 0;
        Votes memory votes = c.votes.votesOf();
        if (votes.bitmap & bit == 0 || !_rewardsSigners(head.kind)) revert NotASigner(caseId, position);
        if (votes.claimed & bit != 0) revert AlreadyPaid(caseId, position);
        (address verifier, uint256 weight) = registry.verifierAt(votes.round, position);
        if (stakes.isFrozen(Role.Verifier, verifier)) revert SignerFrozen(verifier);
        votes.claimed |= bit;
        c.votes = votes.pack();
        (, uint256 total,) = registry.weigh(votes.round, votes.bitmap, head.operator);
        // Rounded down: the parts of all signers never exceed what was kept for them.
        amount = uint256(votes.ownCut) * signersBps * weight / (BPS * total);
        emit SignerPaid(caseId, verifier, amount);
        IERC20(token).safeTransfer(verifier, amount);
    }

    /// @inheritdoc IFraudCourt
    function payFinder(bytes32 caseId, address finder) external only(challenges) returns (uint256 amount) {
        (Case storage c, Head memory head) = _inStatus(caseId, CaseStatus.Executed);
        if (head.finderPaid) revert AlreadyPaid(caseId, type(uint256).max);
        head.finderPaid = true;
        c.head = head.pack();
        amount = uint256(c.votes.votesOf().ownCut) * finderBpsOf(head.kind) / BPS;
        emit FinderPaid(caseId, finder, amount);
        if (finder == address(0)) token.destroy(amount);
        else IERC20(token).safeTransfer(finder, amount);
    }

    // ---- contests ----

    /// @inheritdoc IFraudCourt
    function contest(bytes32 caseId, Cause cause) external {
        if (msg.sender != challenges && msg.sender != contests) {
            revert NotAllowed(msg.sender, contests);
        }
        if (_cases[caseId].head.statusOf() == CaseStatus.Contested) {
            return IContests(contests).addCause(caseId, cause);
        }
        (Case storage c, Head memory head) = _inStatus(caseId, CaseStatus.Open);
        _contest(caseId, c, head, cause);
    }

    /// @inheritdoc IFraudCourt
    function conclude(bytes32 caseId, CaseStatus ruling, bool ruled) external only(contests) {
        (Case storage c, Head memory head) = _inStatus(caseId, CaseStatus.Contested);
        if (ruling == CaseStatus.Executed) _execute(caseId, c, head, ruled);
        else _close(caseId, c, head, ruling);
    }

    // ---- views ----

    /// @inheritdoc IFraudCourt
    function caseOf(bytes32 caseId) external view returns (CaseState memory state) {
        Case storage c = _cases[caseId];
        Head memory head = c.head.headOf();
        if (head.status == CaseStatus.None) return state;
        Votes memory votes = c.votes.votesOf();
        state = CaseState({
            operator: head.operator,
            kind: head.kind,
            status: head.status,
            round: votes.round,
            openedBlock: head.openedBlock,
            executableAt: head.openedBlock + caseWindow,
            leafIndex: head.leafIndex,
            bitmap: votes.bitmap,
            claimed: votes.claimed,
            signersReward: 0,
            finderReward: 0,
            finderPaid: head.finderPaid,
            subject: c.subject
        });
        if (head.status != CaseStatus.Executed) return state;
        state.finderReward = uint256(votes.ownCut) * finderBpsOf(head.kind) / BPS;
        if (_rewardsSigners(head.kind)) {
            (uint256 signed, uint256 total,) = registry.weigh(votes.round, votes.bitmap, head.operator);
            state.signersReward = uint256(votes.ownCut) * signersBps * signed / (BPS * total);
        }
    }

    /// @inheritdoc IFraudCourt
    function statusOf(bytes32 caseId)
        external
        view
        returns (address operator, FaultKind kind, CaseStatus status, uint256 executableAt)
    {
        Head memory head = _cases[caseId].head.headOf();
        return (head.operator, head.kind, head.status, uint256(head.openedBlock) + caseWindow);
    }

    /// @inheritdoc ICourt
    function caseAbout(bytes32 assignmentHash) external view returns (bytes32 caseId, CaseStatus status) {
        FaultKind[4] memory kinds =
            [FaultKind.WrongEncode, FaultKind.LeafFault, FaultKind.Equivocation, FaultKind.WithheldLeaf];
        for (uint256 i = 0; i < kinds.length; ++i) {
            caseId = caseIdOf(kinds[i], assignmentHash);
            status = _cases[caseId].head.statusOf();
            if (status != CaseStatus.None && status != CaseStatus.Acquitted && status != CaseStatus.Annulled)
            {
                return (caseId, status);
            }
        }
        return (0, CaseStatus.None);
    }

    /// @inheritdoc ICourt
    function holds(Role role, address operator, uint64 round) external view returns (bool) {
        return role == Role.Verifier && registry.isHeld(operator, round);
    }

    /// @inheritdoc IFraudCourt
    function penaltyOf(FaultKind kind, address operator) external view returns (uint256 bps) {
        (bps,) = _penalty(kind, operator, rounds.currentRound());
    }

    /// @inheritdoc IFraudCourt
    function quorumSlashes() external view returns (uint256) {
        return _slashes.sumAt(rounds.currentRound(), capRounds);
    }

    // ---- opening ----

    /// @dev Opens a case and freezes the operator.
    function _open(Case storage c, Opening memory opening) internal {
        c.head = CaseWords.opened(opening, CaseStatus.Open);
        if (opening.subject != 0) c.subject = opening.subject;
        if (opening.bitmap != 0) {
            // Round numbers have 32 bits, see RoundsManager.
            c.votes = Votes(opening.bitmap, uint32(opening.round), 0, 0).pack();
            registry.hold(opening.round, opening.bitmap);
        }
        emit CaseOpened(
            opening.caseId,
            opening.kind,
            opening.operator,
            opening.receiptHash,
            opening.leafIndex,
            opening.bitmap
        );
        stakes.freeze(_roleOf(opening.kind), opening.operator);
    }

    /// @dev A wrong encode that gets no case of its own: nobody pays for the work.
    function _bar(Case storage c, Opening memory opening, CaseStatus status) internal {
        c.head = CaseWords.opened(opening, status);
        // Of a planted leaf that was proven before: nobody has signed anything about this one.
        c.votes = 0;
        c.subject = opening.subject;
        emit CaseClosed(opening.caseId, opening.operator, status);
    }

    /// @dev A planted leaf: its case ends, or there will be none. Another leaf may still be proven.
    function _spare(Opening memory opening) internal {
        Case storage c = _cases[opening.caseId];
        Head memory head = c.head.headOf();
        if (head.status == CaseStatus.None) return _bar(c, opening, CaseStatus.Spared);
        bool contested = head.status == CaseStatus.Contested;
        if (
            (!contested && head.status != CaseStatus.Open) || head.leafIndex != opening.leafIndex
                || c.subject != opening.subject
        ) revert WrongStatus(opening.caseId, head.status, CaseStatus.Open);
        uint256 executableAt = uint256(head.openedBlock) + caseWindow;
        if (block.number >= executableAt) revert WindowClosed(opening.caseId, executableAt);
        _close(opening.caseId, c, head, CaseStatus.Spared);
        // Whoever else contested it does not take the planter's word from it.
        if (contested) IContests(contests).forget(opening.caseId);
    }

    /// @dev Where a fault gets its case, if it may still be proven, before anything costly is checked.
    function _requireUnproven(bytes32 caseId) internal view returns (Case storage c) {
        c = _cases[caseId];
        // No case has an empty head.
        if (c.head != 0) revert AlreadyProven(caseId);
    }

    /// @dev As `_requireUnproven`; a planted leaf spares its planter for that leaf only, and while a case is open, or
    ///      the accused contests it, more of the round's verifiers may join its signers.
    /// @return c the case
    /// @return joins whether the proof adds signers to it; that it is about the same receipt is not checked yet
    function _requireProvable(bytes32 caseId, uint32 leafIndex, uint64 bitmap)
        internal
        view
        returns (Case storage c, bool joins)
    {
        c = _cases[caseId];
        uint256 word = c.head;
        if (word == 0) return (c, false);
        Head memory head = word.headOf();
        bool isSame = head.leafIndex == leafIndex;
        if (head.status == CaseStatus.Spared && !isSame) return (c, false);
        uint64 counted = c.votes.votesOf().bitmap;
        joins = isSame && bitmap != counted && counted & ~bitmap == 0 && _takesSigners(caseId, head.status);
        if (!joins) revert AlreadyProven(caseId);
    }

    /// @dev Also a case that the accused contests: else it would do so at once, and its slash be beyond the cap of the
    ///      smallest quorum.
    function _takesSigners(bytes32 caseId, CaseStatus status) private view returns (bool) {
        if (status != CaseStatus.Contested) return status == CaseStatus.Open;
        (Cause cause,,) = IContests(contests).contestOf(caseId);
        return cause == Cause.Accused;
    }

    /// @dev Whoever is first with a proof does not choose who answers for it and who is rewarded: a larger quorum takes the
    ///      place of the one that it contains.
    function _join(bytes32 caseId, Case storage c, bytes32 receiptHash, uint64 bitmap) internal {
        if (c.subject != receiptHash) revert AlreadyProven(caseId);
        Votes memory votes = c.votes.votesOf();
        votes.bitmap = bitmap;
        c.votes = votes.pack();
        // The case counts twice for a moment: the registry adds signers with a case.
        registry.hold(votes.round, bitmap);
        registry.release(votes.round);
        emit SignersJoined(caseId, bitmap);
    }

    // ---- ending ----

    /// @dev Slashes, unless the case is absorbed, has nothing to stand on, or is beyond the cap.
    /// @param ruled whether the resolver said so: its word is bound by no cap
    function _execute(bytes32 caseId, Case storage c, Head memory head, bool ruled) private {
        Votes memory votes = c.votes.votesOf();
        if (head.kind == FaultKind.WrongEncode) {
            // One burst is one fault, once one of its cases is executed.
            if (burstAt(head.operator, head.openedBlock - head.age) != 0) {
                return _close(caseId, c, head, CaseStatus.Absorbed);
            }
        } else if (votes.bitmap != 0 && !_stands(caseId, head, c.subject)) {
            return _close(caseId, c, head, CaseStatus.Annulled);
        }
        Sentence memory sentence = _sentence(head, votes);
        bool capped = votes.bitmap != 0 && !ruled;
        if (capped && _exceedsCap(head, sentence)) return _contest(caseId, c, head, Cause.Cap);

        head.status = CaseStatus.Executed;
        c.head = head.pack();
        _count(head, sentence);

        Role role = _roleOf(head.kind);
        (uint256 ownCut, uint256 delegatedCut) = stakes.slash(role, head.operator, sentence.bps);
        uint256 slashed = ownCut + delegatedCut;
        if (capped) _slashes.add(sentence.round, capRounds, slashed);
        uint256 signersReward = ownCut * sentence.signersBps * sentence.signed / (BPS * sentence.total);
        uint256 burned = slashed - signersReward - ownCut * finderBpsOf(head.kind) / BPS;
        if (burned != slashed) {
            // Part of two pools, each below 2^96 base units together.
            votes.ownCut = uint96(ownCut);
            c.votes = votes.pack();
        }
        _release(head, votes);
        emit CaseExecuted(caseId, head.operator, slashed, burned, signersReward);
        if (burned != 0) token.destroy(burned);
    }

    /// @dev What the slash would be, and who shares in it.
    function _sentence(Head memory head, Votes memory votes) private view returns (Sentence memory sentence) {
        sentence.round = rounds.currentRound();
        (sentence.bps, sentence.strikes) = _penalty(head.kind, head.operator, sentence.round);
        if (head.kind == FaultKind.WithheldLeaf) _asAtDemand(head, sentence);
        sentence.total = 1;
        if (votes.bitmap == 0) return sentence;
        (sentence.signed, sentence.total, sentence.ownStake) =
            registry.weigh(votes.round, votes.bitmap, head.operator);
        // What absent verifiers would have had is burned.
        if (_rewardsSigners(head.kind)) sentence.signersBps = signersBps;
    }

    /// @dev Whether quorums would have cut more, within the cap's rounds, than this one's signers have at stake.
    function _exceedsCap(Head memory head, Sentence memory sentence) private view returns (bool) {
        uint256 cut = stakes.slashable(_roleOf(head.kind), head.operator) * sentence.bps / BPS;
        return !_slashes.admits(sentence.round, capRounds, cut, sentence.ownStake);
    }

    /// @dev Whether what a verifier's fault rests on stands: the leaf of a false pass was found wrong, the leaf
    ///      of a false accusation was not. The assignment's case may be about another leaf, or about another receipt, and
    ///      then says nothing about either; this case's id says which it is about.
    function _stands(bytes32 caseId, Head memory head, bytes32 subject) private view returns (bool) {
        Case storage c = _cases[subject];
        Head memory base = c.head.headOf();
        if (verifierCaseId(head.kind, head.operator, c.subject, base.leafIndex) != caseId) return true;
        if (base.status == CaseStatus.Open || base.status == CaseStatus.Contested) {
            revert SubjectNotFinal(caseId, subject);
        }
        bool wrong = base.status == CaseStatus.Executed || base.status == CaseStatus.Spared
            || base.status == CaseStatus.Absorbed;
        return wrong == (head.kind == FaultKind.FalsePass);
    }

    function _contest(bytes32 caseId, Case storage c, Head memory head, Cause cause) private {
        head.status = CaseStatus.Contested;
        c.head = head.pack();
        emit CaseContested(caseId, head.operator, cause);
        IContests(contests).begin(caseId, cause);
    }

    /// @dev Ends a case without a slash.
    function _close(bytes32 caseId, Case storage c, Head memory head, CaseStatus status) private {
        head.status = status;
        c.head = head.pack();
        emit CaseClosed(caseId, head.operator, status);
        _release(head, c.votes.votesOf());
    }

    /// @dev A case is final: the operator is free of it, and so are its signers.
    function _release(Head memory head, Votes memory votes) private {
        stakes.unfreeze(_roleOf(head.kind), head.operator);
        if (votes.bitmap != 0) registry.release(votes.round);
    }

    function _inStatus(bytes32 caseId, CaseStatus expected)
        private
        view
        returns (Case storage c, Head memory head)
    {
        c = _cases[caseId];
        head = c.head.headOf();
        if (head.status == CaseStatus.None) revert UnknownCase(caseId);
        if (head.status != expected) revert WrongStatus(caseId, head.status, expected);
    }
}
