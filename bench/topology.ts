// Addresses and AS numbers of every benchmark: feeder -> router under test -> sink. The AS numbers occur in no trace used.
export const ROUTER = { as: 64900, routerId: '10.0.0.1', towardsFeeder: '10.0.1.1', towardsSink: '10.0.2.1' } as const;
export const FEEDER = { as: 64901, address: '10.0.1.2' } as const;
export const SINK = { as: 64902, address: '10.0.2.2' } as const;
