// For mongosh: initiates the replica set, unless that was done by an earlier start on the same data.
try {
  rs.initiate({ _id: process.env.REPLICA_SET, members: [{ _id: 0, host: process.env.MEMBER_HOST }] });
} catch (error) {
  if (error.codeName !== "AlreadyInitialized") throw error;
}
