// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Addresses} from "../Addresses.sol";
import {BlockhashRandomSource} from "../BlockhashRandomSource.sol";
import {IJobRegistry, Job} from "../interfaces/IJobRegistry.sol";
import {IRandomSource} from "../interfaces/IRandomSource.sol";
import {JobRegistry} from "../JobRegistry.sol";
import {Profiles} from "../libraries/Profiles.sol";
import {InvalidParameter, Parameters} from "../Parameters.sol";
import {Network} from "./Network.sol";

contract JobRegistryTest is Network {
    bytes private _profiles;

    function setUp() external {
        deploy();
        _profiles = vm.parseJsonBytes(vectors("merkle"), ".profiles");
    }

    function test_a_job_keeps_what_the_court_needs() external {
        vm.expectEmit(true, true, true, true, address(jobs));
        emit IJobRegistry.JobCreated(1, address(this), keccak256(_profiles), 1200, 1002, _profiles);
        vm.assertEq(jobs.createJob(_profiles, 1200), 1);
        vm.assertEq(jobs.createJob(_profiles, 7), 2);
        Job memory job = jobs.jobOf(1);
        vm.assertEq(job.broadcaster, address(this));
        vm.assertEq(job.maxPricePerPixel, 1200);
        (address broadcaster, bytes32 profilesHash) = jobs.termsOf(2);
        vm.assertEq(broadcaster, address(this));
        vm.assertEq(profilesHash, keccak256(_profiles));
    }

    function test_malformed_profiles_and_unknown_jobs_are_refused() external {
        vm.expectPartialRevert(Profiles.MalformedProfiles.selector);
        jobs.createJob(hex"0100", 1);
        vm.expectRevert(abi.encodeWithSelector(IJobRegistry.UnknownJob.selector, 1));
        jobs.jobSeed(1);
        vm.expectRevert(abi.encodeWithSelector(IJobRegistry.UnknownJob.selector, 0));
        jobs.termsOf(0);
    }

    /// [seed grinding]
    function test_the_seed_exists_from_its_block_on() external {
        jobs.createJob(_profiles, 1);
        vm.roll(1001);
        vm.expectRevert(abi.encodeWithSelector(IJobRegistry.SeedNotYet.selector, 1, 1002));
        jobs.jobSeed(1);
        vm.roll(1002);
        vm.assertEq(jobs.jobSeed(1), SEED);
    }

    function test_a_fixed_seed_outlives_its_source() external {
        Addresses memory a = addresses;
        a.randomSource = address(BlockhashRandomSource(create("BlockhashRandomSource", "")));
        JobRegistry hashes = JobRegistry(create("JobRegistry", abi.encode(parameters(), a)));
        hashes.createJob(_profiles, 1);
        hashes.createJob(_profiles, 1);
        vm.roll(1002);
        vm.expectRevert(abi.encodeWithSelector(IRandomSource.ValueNotYet.selector, 1002, 1002));
        hashes.fixSeed(1);
        vm.roll(1100);
        vm.setBlockhash(1002, "hash");
        vm.assertEq(hashes.fixSeed(1), "hash");
        vm.roll(20_000);
        vm.assertEq(hashes.jobSeed(1), "hash");
        vm.assertEq(hashes.fixSeed(1), "hash");
        // The other job has no seed any more, and gets no other one.
        vm.expectRevert(abi.encodeWithSelector(IRandomSource.ValueGone.selector, 1002, 20_000));
        hashes.fixSeed(2);
    }

    function test_a_seed_in_the_jobs_own_block_is_no_deployment() external {
        Parameters memory p = parameters();
        p.seedDelayBlocks = 0;
        vm.expectRevert(abi.encodeWithSelector(InvalidParameter.selector, "seedDelayBlocks", 0, 1));
        create("JobRegistry", abi.encode(p, addresses));
    }
}
