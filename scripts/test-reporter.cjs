/** Dots while tests run, then what failed and what was skipped, by name; the counts go to a file. */
const { writeFileSync } = require('node:fs');
const Mocha = require('mocha');

const { EVENT_RUN_END, EVENT_TEST_FAIL, EVENT_TEST_PENDING, EVENT_SUITE_BEGIN, EVENT_TEST_PASS } =
  Mocha.Runner.constants;

module.exports = class Reporter extends Mocha.reporters.Base {
  constructor(runner, options) {
    super(runner, options);
    const pending = [];
    const slow = [];
    runner.on(EVENT_SUITE_BEGIN, (suite) => {
      if (suite.parent?.root === true) process.stdout.write(`${suite.title}\n`);
    });
    runner.on(EVENT_TEST_PASS, (test) => {
      if (test.duration > 2000) slow.push(`${(test.duration / 1000).toFixed(1)} s  ${test.fullTitle()}`);
    });
    runner.on(EVENT_TEST_FAIL, (test) => process.stdout.write(`  FAILED ${test.fullTitle()}\n`));
    runner.on(EVENT_TEST_PENDING, (test) => pending.push(test.fullTitle()));
    runner.once(EVENT_RUN_END, () => {
      if (slow.length > 0) process.stdout.write(`\nslow:\n  ${slow.join('\n  ')}\n`);
      this.epilogue();
      for (const title of pending) process.stdout.write(`skipped: ${title}\n`);
      const { passes, failures, pending: skipped } = this.stats;
      writeFileSync(options.reporterOptions.output, JSON.stringify({ passes, failures, pending: skipped }));
    });
  }
};
