// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {BondingManager} from "../BondingManager.sol";
import {FixedRandomSource} from "../FixedRandomSource.sol";
import {FraudCourt} from "../FraudCourt.sol";
import {JobRegistry} from "../JobRegistry.sol";
import {LivepeerToken} from "../LivepeerToken.sol";
import {Role} from "../objects/Role.sol";
import {Parameters} from "../Parameters.sol";
import {RoundsManager} from "../RoundsManager.sol";
import {VerifierRegistry} from "../VerifierRegistry.sol";
import {BlsSigner} from "./BlsSigner.sol";
import {TestBase} from "./TestBase.sol";

/// @title A whole deployment, at predicted addresses as in production, with funded accounts
abstract contract Network is TestBase {
    using BlsSigner for uint256;

    uint256 internal constant LPT = 1e18;
    uint256 internal constant SUPPLY = 1_000_000_000 * LPT;
    bytes32 internal constant SEED = keccak256("seed");

    LivepeerToken internal token;
    FixedRandomSource internal random;
    RoundsManager internal rounds;
    BondingManager internal bonding;
    VerifierRegistry internal registry;
    JobRegistry internal jobs;
    FraudCourt internal court;

    /// The demo's numbers.
    function parameters() internal pure virtual returns (Parameters memory) {
        return Parameters({
            roundLength: 8,
            deadlineBlocks: 12,
            evidenceWindow: 20,
            caseWindow: 3,
            unbondingRounds: 3,
            seedDelayBlocks: 2,
            repeatRounds: 30,
            wrongEncodeBps: 1000,
            equivocationBps: 5000,
            signersBps: 2000,
            maxTranscoders: 100,
            maxVerifiers: 64,
            delegationFactor: 10,
            minimumOwnBond: 10 * LPT
        });
    }

    function deploy() internal {
        vm.roll(1000);
        Parameters memory p = parameters();
        uint256 nonce = vm.getNonce(address(this));
        address bondingAt = vm.computeCreateAddress(address(this), nonce + 3);
        address registryAt = vm.computeCreateAddress(address(this), nonce + 4);
        address courtAt = vm.computeCreateAddress(address(this), nonce + 6);
        token = new LivepeerToken(address(this), SUPPLY);
        random = new FixedRandomSource(SEED);
        rounds = new RoundsManager(p, BondingManager(bondingAt), VerifierRegistry(registryAt));
        bonding = new BondingManager(p, token, rounds, courtAt);
        registry = new VerifierRegistry(address(rounds), bonding);
        jobs = new JobRegistry(p, random);
        court = new FraudCourt(p, token, rounds, bonding, registry, jobs);
    }

    /// @dev Gives the account tokens that the bonding manager may take.
    function fund(address account, uint256 amount) internal {
        token.transfer(account, amount);
        vm.prank(account);
        token.approve(address(bonding), type(uint256).max);
    }

    function bond(Role role, address operator, uint256 amount) internal {
        fund(operator, amount);
        vm.prank(operator);
        bonding.bond(role, amount);
    }

    function delegate(Role role, address operator, address delegator, uint256 amount) internal {
        fund(delegator, amount);
        vm.prank(delegator);
        bonding.delegate(role, operator, amount);
    }

    function register(address operator, uint256 secret) internal {
        bytes memory key = secret.key();
        bytes memory possession = secret.prove(registry.possessionMessage(key, operator));
        vm.prank(operator);
        registry.register(key, possession);
    }

    function openRound() internal returns (uint64) {
        if (block.number < rounds.openableAt()) vm.roll(rounds.openableAt());
        return rounds.openRound();
    }
}
