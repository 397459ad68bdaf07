import type { Capacity, Machine, SumOfChecks } from './bench-report.ts'
import type { CommandCosts } from './command-costs.ts'
import { decimal, whole } from './format-number.ts'
import type { Deaths } from './measure-deaths.ts'
import type { Measures } from './measures.ts'

export type Language = 'en' | 'zh'

interface Section {
  readonly title: string
  readonly about: string
  readonly columns: readonly string[]
}

/** What the report says around its figures. */
export interface Words {
  readonly machine: (machine: Machine, mode: 'full' | 'quick') => string
  readonly checks: (sum: SumOfChecks) => string
  readonly chartTitle: string
  readonly chart: {
    readonly throughput: string
    readonly cost: string
    readonly latency: string
    readonly deaths: string
    readonly replicas: string
    readonly accounts: string
    readonly overReplicas: string
    readonly overAccounts: string
    readonly half: string
    readonly most: string
    readonly seconds: string
    readonly kill: string
    readonly back: string
  }
  readonly replicas: Section
  readonly accounts: Section
  readonly fairness: Section
  readonly scarce: { readonly title: string; readonly about: (scarce: Measures) => string }
  readonly deaths: Omit<Section, 'about'> & { readonly about: (deaths: Deaths) => string }
  readonly capacity: {
    readonly title: string
    readonly about: (capacity: Capacity, costs: CommandCosts) => string
  }
}

/** Planned for: above it the queue in front of Redis grows. */
const plannedShare = 0.5

export const words: Readonly<Record<Language, Words>> = {
  en: {
    machine: ({ day, processor, cores, redis, node, load, seconds }, mode) =>
      `Measured on ${day} (${mode} run, ${whole(seconds)} s): ${processor}, ${cores} cores that Redis shares with all simulated replicas; ` +
      `${redis}, Node ${node}; load average ${decimal(load[0])} before and ${decimal(load[1])} after.`,
    checks: (sum) =>
      `Over all runs: **${whole(sum.leases)} leases, ${whole(sum.releases)} releases, ${whole(sum.cutOff)} cut off by the kill, ` +
      `${whole(sum.doubleUses)} double uses** (\`ACCOUNT_MAX_CONCURRENCY=1\`), ${whole(sum.leftInFlight)} left in flight, ` +
      `${whole(sum.failures)} failures.`,
    chartTitle: 'Leases per second, Redis CPU time, lease time, and what the death of replicas does',
    chart: {
      throughput: 'Leases per second, full load',
      cost: 'Redis CPU per request, µs',
      latency: 'Time to a lease, ms, steady load',
      deaths: 'Leases per second while replicas die',
      replicas: 'replicas',
      accounts: 'accounts',
      overReplicas: 'over replicas',
      overAccounts: 'over accounts',
      half: 'p50',
      most: 'p99',
      seconds: 'seconds',
      kill: 'SIGKILL',
      back: 'lapsed',
    },
    replicas: {
      title: 'Over the replicas',
      about:
        'Full load: each replica has 8 requests going at any time, which hold their accounts for 20 ms on average. Steady load: 1,000 ' +
        'requests a second in all. All replicas run on the cores that are left to them, so at full load the leases per second and the ' +
        "time to a lease are the machine's; what Redis itself spends on a request is the figure to plan with.",
      columns: [
        'replicas',
        'leases/s, full',
        'Redis CPU',
        'µs/request, full',
        'p50 ms, full',
        'p99 ms, full',
        'µs/request, steady',
        'p50 ms, steady',
        'p99 ms, steady',
      ],
    },
    accounts: {
      title: 'Over the accounts',
      about:
        'One load for all rows: every replica has one request at a time. Commands count those within the scripts; a round trip is one ' +
        'script that a replica asked for. The time in scripts is by the stop-watch of Redis, which also runs while it waits for a core.',
      columns: [
        'accounts',
        'leases/s',
        'round trips/request',
        'commands/request',
        'Redis µs/request',
        'in scripts µs',
        'p50 ms',
        'p99 ms',
        'Redis memory, MiB',
      ],
    },
    fairness: {
      title: 'Fairness',
      about:
        'How the leases spread over the accounts. The variation is the standard deviation over the mean; that of chance is what throws ' +
        'of a die would give: `least-busy` draws among the accounts with the fewest requests.',
      columns: ['accounts', 'leases/s', 'fewest leases', 'most leases', 'variation', 'variation of chance'],
    },
    scarce: {
      title: 'Far too few accounts',
      about: ({ replicas, accounts, leasesPerSecond, leaseMs, perRequest }) =>
        `${whole(replicas)} replicas with 4 requests each share ${whole(accounts)} accounts, each held for 200 ms on average: ` +
        `${whole(leasesPerSecond)} leases a second (all accounts in use without a gap would be ${whole(accounts * 5)}), ` +
        `a wait of ${whole(leaseMs.p50)} ms at p50 and ${whole(leaseMs.p99)} ms at p99, ${decimal(perRequest.roundTrips)} round trips and ` +
        `${whole(perRequest.cpuUs)} µs of Redis a request: whoever waits asks again when somebody ends, and here all these replicas do so on the same few cores.`,
    },
    deaths: {
      title: 'Replicas die',
      about: ({ replicas, killedReplicas, accounts, leaseSeconds, back }) =>
        `${whole(killedReplicas)} of ${whole(replicas)} replicas get SIGKILL in the middle. There are ${whole(accounts)} accounts, fewer than ` +
        `requests, so each that is away is missed. The dead held ${whole(back.accounts)} accounts; these were leased again ` +
        `${decimal(back.first)} to ${decimal(back.last)} s after the kill (a lease stands ${decimal(leaseSeconds)} s), none before its time.`,
      columns: [
        'leases/s before',
        'leases/s meanwhile',
        'leases/s after',
        'longest pause, ms',
        'first account back',
        'last account back',
      ],
    },
    capacity: {
      title: 'What one Redis carries',
      about: ({ sparseUs, denseUs, requestUs, answerSeconds, renewedEverySeconds, perSecond }, costs) =>
        `A lease with its release takes ${whole(denseUs)} to ${whole(sparseUs)} µs of Redis's CPU time (\`INFO cpu\`, difference over the ` +
        'measured time, divided by the leases in it; the more there is to do, the more commands Redis reads in one go). Counting a ' +
        `client's request limit takes ${whole(costs.rateLimitUs)} µs, a renewal ${whole(costs.renewalUs)} µs. A request whose answer takes ` +
        `${answerSeconds} s is renewed ${answerSeconds / renewedEverySeconds} times, so, at the higher figure, it costs ` +
        `${whole(sparseUs)} + ${whole(costs.rateLimitUs)} + ${answerSeconds / renewedEverySeconds} × ${whole(costs.renewalUs)} = ${whole(requestUs)} µs. ` +
        `Scripts run on one thread, so that thread is full at 1,000,000 / ${whole(requestUs)} = **${whole(perSecond)} requests a second**. ` +
        `Plan for half, ${whole(perSecond * plannedShare)} a second: with answers of ${answerSeconds} s that is ` +
        `${whole(perSecond * plannedShare * answerSeconds)} answers under way at once.`,
    },
  },
  zh: {
    machine: ({ day, processor, cores, redis, node, load, seconds }, mode) =>
      `测量日期 ${day}（${mode === 'full' ? '完整' : '快速'}模式，${whole(seconds)} 秒）：${processor}，${cores} 核，Redis 与所有模拟副本共用；` +
      `${redis}，Node ${node}；平均负载：测量前 ${decimal(load[0])}，测量后 ${decimal(load[1])}。`,
    checks: (sum) =>
      `全部运行合计：**租用 ${whole(sum.leases)} 次，归还 ${whole(sum.releases)} 次，被强杀中断 ${whole(sum.cutOff)} 次，` +
      `重复使用 ${whole(sum.doubleUses)} 次**（\`ACCOUNT_MAX_CONCURRENCY=1\`），结束时仍占用 ${whole(sum.leftInFlight)} 个，` +
      `失败 ${whole(sum.failures)} 次。`,
    chartTitle: '每秒租用次数、Redis CPU 时间、租用耗时，以及部分副本被强杀时的情况',
    chart: {
      throughput: '每秒租用次数（满载）',
      cost: '每个请求的 Redis CPU（µs）',
      latency: '租到账号的耗时（ms，恒定负载）',
      deaths: '副本被强杀期间的每秒租用次数',
      replicas: '副本数',
      accounts: '账号数',
      overReplicas: '随副本数',
      overAccounts: '随账号数',
      half: 'p50',
      most: 'p99',
      seconds: '秒',
      kill: 'SIGKILL',
      back: '到期',
    },
    replicas: {
      title: '随副本数变化',
      about:
        '满载：每个副本始终有 8 个请求，平均占用账号 20 毫秒。恒定负载：合计每秒 1,000 个请求。所有副本都挤在剩余的 CPU 核上，' +
        '所以满载时的每秒租用次数和耗时取决于这台机器；规划时应看每个请求消耗的 Redis CPU 时间。',
      columns: [
        '副本数',
        '租用/秒，满载',
        'Redis CPU',
        'µs/请求，满载',
        'p50 ms，满载',
        'p99 ms，满载',
        'µs/请求，恒定',
        'p50 ms，恒定',
        'p99 ms，恒定',
      ],
    },
    accounts: {
      title: '随账号数变化',
      about:
        '各行负载相同：每个副本同时只有一个请求。命令数包含脚本内部执行的命令；一次往返就是副本调用一次脚本。脚本内时间由 Redis 的秒表计量，等待 CPU 核的时间也算在内。',
      columns: [
        '账号数',
        '租用/秒',
        '往返/请求',
        '命令/请求',
        'Redis µs/请求',
        '脚本内 µs',
        'p50 ms',
        'p99 ms',
        'Redis 内存 MiB',
      ],
    },
    fairness: {
      title: '公平性',
      about:
        '租用次数在各账号之间的分布。变异系数是标准差除以平均值；“随机变异系数”是每次掷骰子选账号时的理论值：`least-busy` ' +
        '在请求最少的账号中随机挑选。',
      columns: ['账号数', '租用/秒', '最少租用', '最多租用', '变异系数', '随机变异系数'],
    },
    scarce: {
      title: '账号远远不够时',
      about: ({ replicas, accounts, leasesPerSecond, leaseMs, perRequest }) =>
        `${whole(replicas)} 个副本各有 4 个请求，共用 ${whole(accounts)} 个账号，每次平均占用 200 毫秒：每秒租用 ` +
        `${whole(leasesPerSecond)} 次（账号一刻不闲时为 ${whole(accounts * 5)} 次），等待时间 p50 为 ${whole(leaseMs.p50)} 毫秒，` +
        `p99 为 ${whole(leaseMs.p99)} 毫秒，每个请求 ${decimal(perRequest.roundTrips)} 次往返、${whole(perRequest.cpuUs)} µs Redis ` +
        'CPU：每当有请求结束，等待者都会再问一次，而这里所有副本都挤在同样几个核上。',
    },
    deaths: {
      title: '部分副本突然死亡',
      about: ({ replicas, killedReplicas, accounts, leaseSeconds, back }) =>
        `运行途中对 ${whole(replicas)} 个副本中的 ${whole(killedReplicas)} 个发送 SIGKILL。账号共 ${whole(accounts)} 个，少于请求数，` +
        `所以每少一个都看得出来。死去的副本占着 ${whole(back.accounts)} 个账号，它们在强杀后 ${decimal(back.first)} 到 ` +
        `${decimal(back.last)} 秒再次被租用（租约为 ${decimal(leaseSeconds)} 秒），没有一个提前。`,
      columns: [
        '之前 租用/秒',
        '期间 租用/秒',
        '之后 租用/秒',
        '最长停顿 ms',
        '首个账号回归',
        '最后账号回归',
      ],
    },
    capacity: {
      title: '一个 Redis 能承载多少',
      about: ({ sparseUs, denseUs, requestUs, answerSeconds, renewedEverySeconds, perSecond }, costs) =>
        `一次租用加归还消耗 Redis ${whole(denseUs)} 到 ${whole(sparseUs)} µs 的 CPU 时间（\`INFO cpu\` 在测量时段内的差值，除以其间的租用次数；` +
        `负载越高，Redis 一次读入的命令越多，单价越低）。客户端限流计数 ${whole(costs.rateLimitUs)} µs，续租一次 ${whole(costs.renewalUs)} µs。` +
        `回答耗时 ${answerSeconds} 秒的请求续租 ${answerSeconds / renewedEverySeconds} 次，因此按较高值计算消耗 ` +
        `${whole(sparseUs)} + ${whole(costs.rateLimitUs)} + ${answerSeconds / renewedEverySeconds} × ${whole(costs.renewalUs)} = ${whole(requestUs)} µs。` +
        `脚本在单个线程上执行，所以该线程在每秒 1,000,000 / ${whole(requestUs)} = **${whole(perSecond)} 个请求**时跑满。` +
        `请按一半规划，即每秒 ${whole(perSecond * plannedShare)} 个：若每个回答 ${answerSeconds} 秒，相当于同时进行 ` +
        `${whole(perSecond * plannedShare * answerSeconds)} 个回答。`,
    },
  },
}
