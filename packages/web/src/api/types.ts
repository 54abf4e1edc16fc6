/**
 * The HTTP API as types. Written by tools/api-types/main.ts from the server's description of itself; not to be edited.
 */

export type ManagedImage = {
  readonly name: string;
  readonly baseImage: {
    readonly name: string;
    readonly referenceType: 'REFERENCE_TYPE_UNSPECIFIED' | 'REFERENCE_TYPE_RIME_DOCKERHUB' | 'REFERENCE_TYPE_MANAGED' | 'REFERENCE_TYPE_EXTERNAL_ECR' | 'REFERENCE_TYPE_EXTERNAL_GAR';
  };
  readonly roleType: 'ROLE_TYPE_USER_DEFINED' | 'ROLE_TYPE_SYSTEM' | 'ROLE_TYPE_UNSPECIFIED';
  readonly childImages: readonly {
    readonly name: string;
    readonly referenceType: 'REFERENCE_TYPE_UNSPECIFIED' | 'REFERENCE_TYPE_RIME_DOCKERHUB' | 'REFERENCE_TYPE_MANAGED' | 'REFERENCE_TYPE_EXTERNAL_ECR' | 'REFERENCE_TYPE_EXTERNAL_GAR';
  }[];
  readonly rimeTag: string;
  readonly repoUri: string;
  readonly status: 'STATUS_BUILDING_FIRST_TIME' | 'STATUS_REBUILDING' | 'STATUS_READY' | 'STATUS_FAILED' | 'STATUS_OUTDATED';
  readonly packageRequirements: readonly {
    readonly name: string;
    readonly versionSpecifier: string;
    readonly packageType: string;
  }[];
  readonly pipRequirements: readonly {
    readonly name: string;
    readonly versionSpecifier: string;
  }[];
  readonly pipLibraries: readonly {
    readonly name: string;
    readonly version: string;
  }[];
  readonly pythonVersion: string;
  readonly rimeImageType?: string | undefined;
};

export type ImageDetails = {
  readonly name: string;
  readonly status: 'BUILDING_FIRST_TIME' | 'REBUILDING' | 'READY' | 'FAILED' | 'OUTDATED';
  readonly roleType: 'USER_DEFINED' | 'SYSTEM';
  readonly imageType: 'all' | 'images' | 'nlp' | 'tabular' | 'security' | null;
  readonly pythonVersion: string | null;
  readonly base: string | null;
  readonly version: number;
  readonly digest: string | null;
  readonly sizeBytes: number | null;
  readonly packages: number;
  readonly probe: ProbeSummary | null;
  readonly creator: string | null;
  readonly workspace: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly reference: string;
  readonly repoUri: string;
  readonly spec: Spec;
  readonly currentVersion: number | null;
  readonly latestVersion: VersionSummary;
  readonly job: JobDetails | null;
  readonly parent: string | null;
  readonly children: readonly string[];
  readonly uses: readonly ImageUse[];
  readonly rights: {
    readonly alter: boolean;
    readonly remove: boolean;
  };
};

export type ProbeSummary = {
  readonly outcome: 'passed' | 'failed' | 'not-probed';
  readonly note: string | null;
};

export type Spec = {
  readonly pythonVersion: string | null;
  readonly imageType: 'all' | 'images' | 'nlp' | 'tabular' | 'security' | null;
  readonly base: string | null;
  readonly pipRequirements: readonly {
    readonly name: string;
    readonly versionSpecifier?: string | undefined;
    readonly extras?: readonly string[] | undefined;
    readonly marker?: string | undefined;
    readonly url?: string | undefined;
  }[];
  readonly packageRequirements: readonly {
    readonly name: string;
    readonly versionSpecifier?: string | undefined;
    readonly packageType?: string | undefined;
  }[];
  readonly platforms: readonly ('linux/amd64' | 'linux/arm64')[];
  readonly hasOwnPlatforms: boolean;
  readonly bytecode: boolean;
  readonly allowSdist: boolean;
  readonly skipImports: readonly string[];
  readonly smokeCommand: readonly string[];
};

export type VersionSummary = {
  readonly number: number;
  readonly tag: string;
  readonly state: 'QUEUED' | 'RESOLVING' | 'BUILDING' | 'PROBING' | 'READY' | 'FAILED' | 'CANCELLED';
  readonly isCurrent: boolean;
  readonly reasons: readonly ChangeReason[];
  readonly digest: string | null;
  readonly createdBy: string | null;
  readonly createdAt: string;
  readonly finishedAt: string | null;
  readonly sizeBytes: number | null;
  readonly packages: number | null;
  readonly failure: Failure | null;
  readonly probe: ProbeSummary | null;
  readonly jobId: string | null;
};

export type ChangeReason = {
  readonly kind: 'CREATED' | 'ALTERED' | 'BASE' | 'PLATFORM' | 'REQUIREMENTS' | 'ROLLBACK' | 'RETRY';
  readonly subject?: string | undefined;
  readonly old?: string | undefined;
  readonly new?: string | undefined;
};

export type Failure = {
  readonly code: string;
  readonly what: string;
  readonly hint: string;
  readonly subject?: string | undefined;
};

export type JobDetails = {
  readonly jobId: string;
  readonly kind: 'build' | 'plan' | 'catalogue' | 'run';
  readonly status: 'QUEUED' | 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'CANCELLED';
  readonly images: readonly {
    readonly name: string;
    readonly version: number;
    readonly creator: string | null;
    readonly workspace: string | null;
  }[];
  readonly priority: 'interactive' | 'rebuild' | 'prewarm';
  readonly queuePosition: number | null;
  readonly expectedStart: string | null;
  readonly stage: string | null;
  readonly progress: {
    readonly doneBytes: number;
    readonly totalBytes: number;
    readonly sentBytes: number;
    readonly secondsLeft: number | null;
    readonly stages: readonly {
      readonly stage: string;
      readonly seconds: number;
    }[];
  };
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly attempts: number;
  readonly cancellationRequested: boolean;
  readonly failure: Failure | null;
};

export type ImageUse = {
  readonly id: string;
  readonly by: string;
  readonly version: number;
  readonly createdAt: string;
  readonly expiresAt: string;
};

export type ImageSummary = {
  readonly name: string;
  readonly status: 'BUILDING_FIRST_TIME' | 'REBUILDING' | 'READY' | 'FAILED' | 'OUTDATED';
  readonly roleType: 'USER_DEFINED' | 'SYSTEM';
  readonly imageType: 'all' | 'images' | 'nlp' | 'tabular' | 'security' | null;
  readonly pythonVersion: string | null;
  readonly base: string | null;
  readonly version: number;
  readonly digest: string | null;
  readonly sizeBytes: number | null;
  readonly packages: number;
  readonly probe: ProbeSummary | null;
  readonly creator: string | null;
  readonly workspace: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly reference: string;
};

export type Job = {
  readonly jobId: string;
  readonly jobType: 'JOB_TYPE_IMAGE_BUILDER';
  readonly status: 'JOB_STATUS_REQUESTED' | 'JOB_STATUS_PENDING' | 'JOB_STATUS_RUNNING' | 'JOB_STATUS_SUCCEEDED' | 'JOB_STATUS_FAILED' | 'JOB_STATUS_CANCELLED' | 'JOB_STATUS_UNSPECIFIED';
  readonly creationTime: string;
  readonly startTime?: string | undefined;
  readonly completionTime?: string | undefined;
  readonly runningTimeSecs: number;
  readonly jobProgressStr: string;
  readonly cancellationRequested: boolean;
  readonly errorMsg?: string | undefined;
  readonly terminationReason?: string | undefined;
};

export type Plan = {
  readonly platforms: readonly {
    readonly platform: string;
    readonly base: {
      readonly name: string;
      readonly digest: string;
    };
    readonly pythonVersion: string;
    readonly lockDigest: string;
    readonly lock: string;
    readonly packages: readonly {
      readonly kind: 'wheel' | 'os-package';
      readonly name: string;
      readonly version: string;
      readonly sizeBytes: number;
      readonly isHere: boolean;
    }[];
    readonly bytesToMove: number;
    readonly bytesShared: number;
    readonly problems: readonly {
      readonly severity: 'error' | 'warning';
      readonly code: string;
      readonly message: string;
      readonly fix: string;
      readonly osPackages?: readonly string[] | undefined;
    }[];
  }[];
  readonly matches: readonly Match[];
};

export type Match = {
  readonly name: string;
  readonly kind: 'identical' | 'satisfies' | 'near';
  readonly digest: string | null;
  readonly missing: readonly {
    readonly requirement: string;
    readonly installed: string | null;
  }[];
  readonly extraPackages: number;
  readonly packages: number;
};

export type VersionDetails = {
  readonly number: number;
  readonly tag: string;
  readonly state: 'QUEUED' | 'RESOLVING' | 'BUILDING' | 'PROBING' | 'READY' | 'FAILED' | 'CANCELLED';
  readonly isCurrent: boolean;
  readonly reasons: readonly ChangeReason[];
  readonly digest: string | null;
  readonly createdBy: string | null;
  readonly createdAt: string;
  readonly finishedAt: string | null;
  readonly sizeBytes: number | null;
  readonly packages: number | null;
  readonly failure: Failure | null;
  readonly probe: ProbeSummary | null;
  readonly jobId: string | null;
  readonly spec: Spec;
  readonly lockDigest: string | null;
  readonly base: {
    readonly name: string;
    readonly digest: string;
  } | null;
  readonly libraries: readonly {
    readonly name: string;
    readonly version: string;
  }[];
  readonly osPackages: readonly {
    readonly name: string;
    readonly version: string;
  }[];
  readonly problems: readonly {
    readonly code: string;
    readonly message: string;
    readonly fix: string;
  }[];
  readonly durations: readonly {
    readonly stage: string;
    readonly seconds: number;
  }[];
  readonly layers: readonly {
    readonly digest: string;
    readonly sizeBytes: number;
    readonly role: string;
    readonly images: number;
  }[];
  readonly lockPlatforms: readonly string[];
  readonly probes: readonly ProbeReport[];
};

export type ProbeReport = {
  readonly platform: string;
  readonly outcome: 'passed' | 'failed' | 'not-probed';
  readonly why?: string | undefined;
  readonly seconds: number;
  readonly python?: {
    readonly version: string;
    readonly machine: string;
    readonly prefix: string;
  } | undefined;
  readonly packages: readonly {
    readonly name: string;
    readonly version?: string | undefined;
    readonly modules: readonly {
      readonly module: string;
      readonly outcome: 'imported' | 'failed' | 'skipped';
      readonly seconds: number;
      readonly peakMemoryBytes: number;
      readonly warnings: readonly string[];
      readonly error?: string | undefined;
    }[];
  }[];
  readonly dependencies: readonly {
    readonly name: string;
    readonly requirement: string;
    readonly found?: string | undefined;
  }[];
  readonly problems: readonly {
    readonly severity: string;
    readonly code: string;
    readonly message: string;
    readonly fix: string;
  }[];
  readonly scripts: readonly {
    readonly name: string;
    readonly package: string;
    readonly outcome: string;
    readonly error?: string | undefined;
  }[];
  readonly smoke?: {
    readonly command: readonly string[];
    readonly status?: number | undefined;
    readonly seconds: number;
    readonly output: string;
  } | undefined;
  readonly failures: readonly Failure[];
  readonly osPackages: readonly string[];
};

export type Difference = {
  readonly from: {
    readonly name: string;
    readonly version: number;
    readonly digest: string;
  };
  readonly to: {
    readonly name: string;
    readonly version: number;
    readonly digest: string;
  };
  readonly spec: readonly ChangeReason[];
  readonly packages: readonly {
    readonly name: string;
    readonly change: 'added' | 'removed' | 'version' | 'other-file';
    readonly before: string | null;
    readonly after: string | null;
    readonly bytesBefore: number;
    readonly bytesAfter: number;
  }[];
  readonly osPackages: readonly {
    readonly name: string;
    readonly change: 'added' | 'removed' | 'version' | 'other-file';
    readonly before: string | null;
    readonly after: string | null;
    readonly bytesBefore: number;
    readonly bytesAfter: number;
  }[];
  readonly layers: {
    readonly shared: {
      readonly count: number;
      readonly sizeBytes: number;
    };
    readonly from: {
      readonly count: number;
      readonly sizeBytes: number;
    };
    readonly to: {
      readonly count: number;
      readonly sizeBytes: number;
    };
  };
};

export type ImageStorage = {
  readonly name: string;
  readonly sizeBytes: number;
  readonly ownBytes: number;
  readonly versions: number;
  readonly createdAt: string;
  readonly lastUsedAt: string | null;
};

export type Update = {
  readonly id: string;
  readonly kind: 'platform' | 'base';
  readonly label: string | null;
  readonly requirements: readonly string[];
  readonly from: string | null;
  readonly to: string | null;
  readonly state: 'APPLYING' | 'APPLIED' | 'HALTED' | 'REVERTED';
  readonly createdBy: string | null;
  readonly createdAt: string;
  readonly images: {
    readonly total: number;
    readonly ready: number;
    readonly failed: number;
    readonly cancelled: number;
    readonly underWay: number;
  };
};

export type TestRun = {
  readonly id: string;
  readonly status: 'QUEUED' | 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'CANCELLED';
  readonly image: {
    readonly name: string;
    readonly version: number | null;
    readonly digest: string | null;
    readonly isExternal: boolean;
  };
  readonly command: readonly string[];
  readonly variables: readonly string[];
  readonly workspace: string | null;
  readonly creator: string | null;
  readonly timeLimitSeconds: number;
  readonly memoryBytes: number;
  readonly network: boolean;
  readonly queuePosition: number | null;
  readonly cancellationRequested: boolean;
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly exitStatus: number | null;
  readonly usage: {
    readonly wallSeconds: number;
    readonly cpuSeconds: number | null;
    readonly peakMemoryBytes: number | null;
  } | null;
  readonly leftOut: readonly string[];
  readonly failure: Failure | null;
  readonly rights: {
    readonly cancel: boolean;
  };
};

export type StoredFile = {
  readonly path: string;
  readonly sizeBytes: number;
  readonly isExecutable: boolean;
};

export type User = {
  readonly name: string;
  readonly role: 'admin' | 'support' | 'member';
  readonly isActive: boolean;
  readonly hasPassword: boolean;
  readonly createdAt: string;
};

export type Workspace = {
  readonly name: string;
  readonly createdAt: string;
  readonly members: number;
};

export type Member = {
  readonly user: string;
  readonly role: 'admin' | 'vp' | 'member' | 'viewer';
};

export type ApiToken = {
  readonly id: string;
  readonly name: string;
  readonly user: string;
  readonly workspace: string;
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly lastUsedAt: string | null;
};

export type Error = {
  readonly code: number;
  readonly message: string;
  readonly details: readonly unknown[];
};

/** What goes into each operation of the API, and what comes out. */
export type Operations = {
  /** Whether the process answers */
  isAlive: {
    params: undefined;
    query: undefined;
    body: undefined;
    answer: {
      readonly status: 'ok';
    };
  };
  /** Whether the server can serve: its database answers, and it is not stopping */
  isReady: {
    params: undefined;
    query: undefined;
    body: undefined;
    answer: {
      readonly status: 'ok';
    };
  };
  /** Metrics in the text format of Prometheus */
  getMetrics: {
    params: undefined;
    query: undefined;
    body: undefined;
    answer: string;
  };
  /** List images */
  listImages: {
    params: undefined;
    query: undefined;
    body: {
      readonly pageToken?: string | null | undefined;
      readonly pageSize?: number | string | null | undefined;
      readonly pipLibraries?: readonly {
        readonly name: string;
        readonly version?: string | null | undefined;
      }[] | null | undefined;
    };
    answer: {
      readonly images: readonly ManagedImage[];
      readonly nextPageToken: string;
    };
  };
  /** List images */
  listImagesPlainly: {
    params: undefined;
    query: {
      readonly pageToken?: string | undefined;
      readonly pageSize?: number | string | null | undefined;
    };
    body: undefined;
    answer: {
      readonly images: readonly ManagedImage[];
      readonly nextPageToken: string;
    };
  };
  /** Create an image */
  createImage: {
    params: undefined;
    query: undefined;
    body: {
      readonly pythonVersion?: string | null | undefined;
      readonly imageType?: string | null | undefined;
      readonly base?: string | null | undefined;
      readonly pipRequirements?: readonly {
        readonly name: string;
        readonly versionSpecifier?: string | null | undefined;
        readonly extras?: readonly string[] | null | undefined;
        readonly marker?: string | null | undefined;
        readonly url?: string | null | undefined;
      }[] | null | undefined;
      readonly requirements?: readonly string[] | null | undefined;
      readonly packageRequirements?: readonly {
        readonly name: string;
        readonly versionSpecifier?: string | null | undefined;
        readonly packageType?: 'PACKAGE_TYPE_UNSPECIFIED' | 'PACKAGE_TYPE_ROCKYLINUX' | 'PACKAGE_TYPE_APT' | null | undefined;
      }[] | null | undefined;
      readonly osPackages?: readonly string[] | null | undefined;
      readonly platforms?: readonly string[] | null | undefined;
      readonly bytecode?: boolean | null | undefined;
      readonly allowSdist?: boolean | null | undefined;
      readonly skipImports?: readonly string[] | null | undefined;
      readonly smokeCommand?: readonly string[] | null | undefined;
      readonly name: string;
    };
    answer: {
      readonly image: ManagedImage;
      readonly job: Job;
    };
  };
  /** Get an image */
  getImage: {
    params: {
      readonly name: string;
    };
    query: undefined;
    body: undefined;
    answer: {
      readonly image: ManagedImage;
    };
  };
  /** Altering an image */
  alterImage: {
    params: {
      readonly name: string;
    };
    query: undefined;
    body: {
      readonly pythonVersion?: string | null | undefined;
      readonly imageType?: string | null | undefined;
      readonly base?: string | null | undefined;
      readonly pipRequirements?: readonly {
        readonly name: string;
        readonly versionSpecifier?: string | null | undefined;
        readonly extras?: readonly string[] | null | undefined;
        readonly marker?: string | null | undefined;
        readonly url?: string | null | undefined;
      }[] | null | undefined;
      readonly requirements?: readonly string[] | null | undefined;
      readonly packageRequirements?: readonly {
        readonly name: string;
        readonly versionSpecifier?: string | null | undefined;
        readonly packageType?: 'PACKAGE_TYPE_UNSPECIFIED' | 'PACKAGE_TYPE_ROCKYLINUX' | 'PACKAGE_TYPE_APT' | null | undefined;
      }[] | null | undefined;
      readonly osPackages?: readonly string[] | null | undefined;
      readonly platforms?: readonly string[] | null | undefined;
      readonly bytecode?: boolean | null | undefined;
      readonly allowSdist?: boolean | null | undefined;
      readonly skipImports?: readonly string[] | null | undefined;
      readonly smokeCommand?: readonly string[] | null | undefined;
    };
    answer: {
      readonly image: ManagedImage;
      readonly job: Job;
    };
  };
  /** Removing an image */
  deleteImage: {
    params: {
      readonly name: string;
    };
    query: {
      readonly force?: 'true' | 'false' | undefined;
    };
    body: undefined;
    answer: Readonly<Record<string, never>>;
  };
  /** Get all that is known of an image */
  getImageDetails: {
    params: {
      readonly name: string;
    };
    query: undefined;
    body: undefined;
    answer: {
      readonly image: ImageDetails;
    };
  };
  /** Search images */
  searchImages: {
    params: undefined;
    query: {
      readonly q?: string | undefined;
      readonly name?: string | undefined;
      readonly package?: string | readonly string[] | undefined;
      readonly python?: string | undefined;
      readonly imageType?: string | undefined;
      readonly status?: string | undefined;
      readonly creator?: string | undefined;
      readonly workspace?: string | undefined;
      readonly base?: string | undefined;
      readonly roleType?: 'USER_DEFINED' | 'SYSTEM' | undefined;
      readonly sort?: 'createdAt' | '-createdAt' | 'name' | '-name' | 'updatedAt' | '-updatedAt' | 'status' | '-status' | 'type' | '-type' | 'python' | '-python' | 'packages' | '-packages' | 'size' | '-size' | 'creator' | '-creator' | undefined;
      readonly pageSize?: number | string | null | undefined;
      readonly pageToken?: string | undefined;
      readonly offset?: number | undefined;
    };
    body: undefined;
    answer: {
      readonly images: readonly ImageSummary[];
      readonly nextPageToken?: string | undefined;
      readonly total: number;
    };
  };
  /** Count the images that a search finds, and those of them before a name or a time in its order */
  countImages: {
    params: undefined;
    query: {
      readonly q?: string | undefined;
      readonly name?: string | undefined;
      readonly package?: string | readonly string[] | undefined;
      readonly python?: string | undefined;
      readonly imageType?: string | undefined;
      readonly status?: string | undefined;
      readonly creator?: string | undefined;
      readonly workspace?: string | undefined;
      readonly base?: string | undefined;
      readonly roleType?: 'USER_DEFINED' | 'SYSTEM' | undefined;
      readonly sort?: 'createdAt' | '-createdAt' | 'name' | '-name' | 'updatedAt' | '-updatedAt' | 'status' | '-status' | 'type' | '-type' | 'python' | '-python' | 'packages' | '-packages' | 'size' | '-size' | 'creator' | '-creator' | undefined;
      readonly place?: string | undefined;
    };
    body: undefined;
    answer: {
      readonly total: number;
      readonly before: number | null;
    };
  };
  /** List who has created images, and how many: those whose names begin so, then those who have it in their names */
  listImageCreators: {
    params: undefined;
    query: {
      readonly q?: string | undefined;
      readonly limit?: number | undefined;
    };
    body: undefined;
    answer: {
      readonly creators: readonly {
        readonly name: string;
        readonly images: number;
      }[];
    };
  };
  /** Return the image that holds a spec, or create it */
  ensureImage: {
    params: undefined;
    query: undefined;
    body: {
      readonly pythonVersion?: string | null | undefined;
      readonly imageType?: string | null | undefined;
      readonly base?: string | null | undefined;
      readonly pipRequirements?: readonly {
        readonly name: string;
        readonly versionSpecifier?: string | null | undefined;
        readonly extras?: readonly string[] | null | undefined;
        readonly marker?: string | null | undefined;
        readonly url?: string | null | undefined;
      }[] | null | undefined;
      readonly requirements?: readonly string[] | null | undefined;
      readonly packageRequirements?: readonly {
        readonly name: string;
        readonly versionSpecifier?: string | null | undefined;
        readonly packageType?: 'PACKAGE_TYPE_UNSPECIFIED' | 'PACKAGE_TYPE_ROCKYLINUX' | 'PACKAGE_TYPE_APT' | null | undefined;
      }[] | null | undefined;
      readonly osPackages?: readonly string[] | null | undefined;
      readonly platforms?: readonly string[] | null | undefined;
      readonly bytecode?: boolean | null | undefined;
      readonly allowSdist?: boolean | null | undefined;
      readonly skipImports?: readonly string[] | null | undefined;
      readonly smokeCommand?: readonly string[] | null | undefined;
      readonly name?: string | null | undefined;
    };
    answer: {
      readonly image: ManagedImage;
      readonly job: Job | null;
      readonly digest: string | null;
      readonly created: boolean;
    };
  };
  /** Say what a build would do, before anything is built */
  planImage: {
    params: undefined;
    query: undefined;
    body: {
      readonly pythonVersion?: string | null | undefined;
      readonly imageType?: string | null | undefined;
      readonly base?: string | null | undefined;
      readonly pipRequirements?: readonly {
        readonly name: string;
        readonly versionSpecifier?: string | null | undefined;
        readonly extras?: readonly string[] | null | undefined;
        readonly marker?: string | null | undefined;
        readonly url?: string | null | undefined;
      }[] | null | undefined;
      readonly requirements?: readonly string[] | null | undefined;
      readonly packageRequirements?: readonly {
        readonly name: string;
        readonly versionSpecifier?: string | null | undefined;
        readonly packageType?: 'PACKAGE_TYPE_UNSPECIFIED' | 'PACKAGE_TYPE_ROCKYLINUX' | 'PACKAGE_TYPE_APT' | null | undefined;
      }[] | null | undefined;
      readonly osPackages?: readonly string[] | null | undefined;
      readonly platforms?: readonly string[] | null | undefined;
      readonly bytecode?: boolean | null | undefined;
      readonly allowSdist?: boolean | null | undefined;
      readonly skipImports?: readonly string[] | null | undefined;
      readonly smokeCommand?: readonly string[] | null | undefined;
    };
    answer: {
      readonly plan: Plan;
    };
  };
  /** Find images that hold what a spec asks for already */
  matchImages: {
    params: undefined;
    query: undefined;
    body: {
      readonly pythonVersion?: string | null | undefined;
      readonly imageType?: string | null | undefined;
      readonly base?: string | null | undefined;
      readonly pipRequirements?: readonly {
        readonly name: string;
        readonly versionSpecifier?: string | null | undefined;
        readonly extras?: readonly string[] | null | undefined;
        readonly marker?: string | null | undefined;
        readonly url?: string | null | undefined;
      }[] | null | undefined;
      readonly requirements?: readonly string[] | null | undefined;
      readonly packageRequirements?: readonly {
        readonly name: string;
        readonly versionSpecifier?: string | null | undefined;
        readonly packageType?: 'PACKAGE_TYPE_UNSPECIFIED' | 'PACKAGE_TYPE_ROCKYLINUX' | 'PACKAGE_TYPE_APT' | null | undefined;
      }[] | null | undefined;
      readonly osPackages?: readonly string[] | null | undefined;
      readonly platforms?: readonly string[] | null | undefined;
      readonly bytecode?: boolean | null | undefined;
      readonly allowSdist?: boolean | null | undefined;
      readonly skipImports?: readonly string[] | null | undefined;
      readonly smokeCommand?: readonly string[] | null | undefined;
      readonly limit?: number | undefined;
    };
    answer: {
      readonly matches: readonly Match[];
    };
  };
  /** Building an image again */
  retryImage: {
    params: {
      readonly name: string;
    };
    query: undefined;
    body: undefined;
    answer: {
      readonly image: ManagedImage;
      readonly job: Job;
    };
  };
  /** Rebasing an image */
  rebaseImage: {
    params: {
      readonly name: string;
    };
    query: undefined;
    body: {
      readonly base?: string | null | undefined;
    };
    answer: {
      readonly image: ManagedImage;
      readonly job: Job;
    };
  };
  /** Rolling an image back */
  rollBackImage: {
    params: {
      readonly name: string;
    };
    query: undefined;
    body: {
      readonly version: number;
    };
    answer: {
      readonly image: ImageDetails;
    };
  };
  /** List the versions of an image */
  listVersions: {
    params: {
      readonly name: string;
    };
    query: undefined;
    body: undefined;
    answer: {
      readonly versions: readonly VersionSummary[];
    };
  };
  /** Get a version of an image */
  getVersion: {
    params: {
      readonly name: string;
      readonly number: string;
    };
    query: undefined;
    body: undefined;
    answer: {
      readonly version: VersionDetails;
    };
  };
  /** Giving up a version that the name does not stand for */
  trimVersion: {
    params: {
      readonly name: string;
      readonly number: string;
    };
    query: undefined;
    body: undefined;
    answer: Readonly<Record<string, never>>;
  };
  /** Download the lock of a version */
  getLock: {
    params: {
      readonly name: string;
      readonly number: string;
    };
    query: {
      readonly platform?: string | undefined;
    };
    body: undefined;
    answer: string;
  };
  /** Get the whole log of a version’s build */
  getVersionLog: {
    params: {
      readonly name: string;
      readonly number: string;
    };
    query: undefined;
    body: undefined;
    answer: string;
  };
  /** Say what is different between two versions */
  diffImages: {
    params: undefined;
    query: {
      readonly from: string;
      readonly to: string;
    };
    body: undefined;
    answer: {
      readonly diff: Difference;
    };
  };
  /** Listing removed images */
  listRemovedImages: {
    params: undefined;
    query: {
      readonly name?: string | undefined;
      readonly pageSize?: number | string | null | undefined;
      readonly pageToken?: string | undefined;
    };
    body: undefined;
    answer: {
      readonly images: readonly {
        readonly id: number;
        readonly name: string;
        readonly repository: string;
        readonly digest: string | null;
        readonly version: number | null;
        readonly removedAt: string;
        readonly removedBy: string | null;
      }[];
      readonly nextPageToken?: string | undefined;
    };
  };
  /** Restoring a removed image */
  restoreImage: {
    params: {
      readonly id: string;
    };
    query: undefined;
    body: {
      readonly name?: string | null | undefined;
    };
    answer: {
      readonly image: ManagedImage;
      readonly job: Job;
    };
  };
  /** Say that a test run uses an image, and get the digest to pin */
  startUse: {
    params: {
      readonly name: string;
    };
    query: undefined;
    body: {
      readonly by: string;
      readonly expiresInSeconds?: number | undefined;
    };
    answer: {
      readonly use: {
        readonly id: string;
        readonly version: number;
        readonly digest: string;
        readonly reference: string;
        readonly expiresAt: string;
      };
    };
  };
  /** Say that a test run has ended */
  endUse: {
    params: {
      readonly name: string;
      readonly id: string;
    };
    query: undefined;
    body: undefined;
    answer: Readonly<Record<string, never>>;
  };
  /** Get who used an image: how often, in which workspaces, and what is made from it */
  getImageUsage: {
    params: {
      readonly name: string;
    };
    query: undefined;
    body: undefined;
    answer: {
      readonly children: number;
      readonly runs: number;
      readonly lastUsedAt: string | null;
      readonly workspaces: readonly {
        readonly name: string;
        readonly runs: number;
        readonly lastUsedAt: string;
      }[];
    };
  };
  /** Follow the images and builds of the instance as Server-Sent Events: build, queue, image, many; ready after the first ones */
  followImages: {
    params: undefined;
    query: undefined;
    body: undefined;
    answer: string;
  };
  /** Get what clients of the original want to know of the server */
  getServerInfo: {
    params: undefined;
    query: undefined;
    body: undefined;
    answer: {
      readonly clusterInfoVersion: string;
      readonly customerName: string;
      readonly expirationTime: string;
      readonly gracePeriodEndTime: string;
      readonly riPlan: string;
      readonly buildVersion: string;
    };
  };
  /** Get a limit of the licence */
  getLimit: {
    params: {
      readonly customerName: string;
      readonly limit: string;
    };
    query: undefined;
    body: undefined;
    answer: {
      readonly limitStatus: {
        readonly limit: string;
        readonly limitStatus: string;
        readonly limitValue: string;
        readonly currentValue: string;
      };
    };
  };
  /** Get a job */
  getJob: {
    params: {
      readonly jobId: string;
    };
    query: {
      readonly view?: string | undefined;
    };
    body: undefined;
    answer: {
      readonly job: Job;
    };
  };
  /** Cancelling a build */
  cancelJob: {
    params: {
      readonly jobId: string;
    };
    query: undefined;
    body: undefined;
    answer: Readonly<Record<string, never>>;
  };
  /** Get the log of a job */
  getLog: {
    params: {
      readonly jobId: string;
    };
    query: undefined;
    body: undefined;
    answer: {
      readonly result: {
        readonly chunk: string;
      };
    };
  };
  /** Get the log of a job */
  getLog2: {
    params: {
      readonly jobId: string;
    };
    query: undefined;
    body: undefined;
    answer: {
      readonly result: {
        readonly chunk: string;
      };
    };
  };
  /** Get the log of a job */
  getLog3: {
    params: {
      readonly jobId: string;
    };
    query: undefined;
    body: undefined;
    answer: {
      readonly result: {
        readonly chunk: string;
      };
    };
  };
  /** List image types */
  listImageTypes: {
    params: undefined;
    query: undefined;
    body: undefined;
    answer: {
      readonly imageTypes: readonly {
        readonly name: 'all' | 'images' | 'nlp' | 'tabular' | 'security';
        readonly summary: string;
        readonly requirements: readonly string[];
        readonly osPackages: readonly string[];
        readonly systemImages: readonly {
          readonly name: string;
          readonly pythonVersion: string;
        }[];
      }[];
    };
  };
  /** List bases */
  listBases: {
    params: undefined;
    query: undefined;
    body: undefined;
    answer: {
      readonly bases: readonly {
        readonly name: string;
        readonly pythonVersion: string;
        readonly isDefault: boolean;
      }[];
      readonly registries: readonly string[];
    };
  };
  /** Complete the name of a package: those in use first */
  completePackageName: {
    params: undefined;
    query: {
      readonly prefix: string;
      readonly limit?: number | undefined;
    };
    body: undefined;
    answer: {
      readonly packages: readonly {
        readonly name: string;
        readonly images: number;
        readonly versions: readonly string[];
      }[];
    };
  };
  /** Get what is held, what sharing saves, and the largest images */
  getStorage: {
    params: undefined;
    query: {
      readonly limit?: number | undefined;
    };
    body: undefined;
    answer: {
      readonly heldBytes: number;
      readonly withoutSharingBytes: number;
      readonly savedBytes: number;
      readonly layers: number;
      readonly images: readonly ImageStorage[];
    };
  };
  /** List what images hold, those first that hold most of their own; all, or those that nobody used for long */
  listImageStorage: {
    params: undefined;
    query: {
      readonly unusedDays?: number | undefined;
      readonly neverUsed?: 'true' | 'false' | undefined;
      readonly pageSize?: number | string | null | undefined;
      readonly pageToken?: string | undefined;
    };
    body: undefined;
    answer: {
      readonly images: readonly ImageStorage[];
      readonly nextPageToken?: string | undefined;
    };
  };
  /** List pairs of images that hold nearly the same packages */
  listNearDuplicates: {
    params: undefined;
    query: {
      readonly limit?: number | undefined;
    };
    body: undefined;
    answer: {
      readonly pairs: readonly {
        readonly names: readonly string[];
        readonly common: number;
        readonly different: number;
        readonly similarity: number;
      }[];
    };
  };
  /** List platform releases and base updates */
  listUpdates: {
    params: undefined;
    query: undefined;
    body: undefined;
    answer: {
      readonly updates: readonly Update[];
      readonly release: string | null;
    };
  };
  /** Applying an update */
  applyUpdate: {
    params: undefined;
    query: undefined;
    body: {
      readonly kind: 'platform';
      readonly label: string;
      readonly requirements?: readonly string[] | undefined;
    } | {
      readonly kind: 'base';
      readonly from: string;
      readonly to: string;
    };
    answer: {
      readonly update: Update;
    };
  };
  /** Previewing an update */
  previewUpdate: {
    params: undefined;
    query: undefined;
    body: {
      readonly after?: string | undefined;
      readonly limit?: number | undefined;
      readonly kind: 'platform';
      readonly label: string;
      readonly requirements?: readonly string[] | undefined;
    } | {
      readonly after?: string | undefined;
      readonly limit?: number | undefined;
      readonly kind: 'base';
      readonly from: string;
      readonly to: string;
    };
    answer: {
      readonly counts: {
        readonly rebase: number;
        readonly rebuild: number;
        readonly none: number;
      };
      readonly images: readonly {
        readonly name: string;
        readonly action: 'rebase' | 'rebuild' | 'none';
        readonly why: string;
        readonly baseDigest: string | null;
        readonly missing: readonly {
          readonly requirement: string;
          readonly installed: string | null;
        }[];
      }[];
      readonly requirements: readonly ChangeReason[];
      readonly bases: readonly {
        readonly digest: string;
        readonly images: number;
        readonly packages: readonly {
          readonly name: string;
          readonly change: 'added' | 'removed' | 'version' | 'other-file';
          readonly before: string | null;
          readonly after: string | null;
          readonly bytesBefore: number;
          readonly bytesAfter: number;
        }[];
      }[];
    };
  };
  /** Get how an update stands */
  getUpdate: {
    params: {
      readonly id: string;
    };
    query: undefined;
    body: undefined;
    answer: {
      readonly update: Update;
    };
  };
  /** Halting an update */
  haltUpdate: {
    params: {
      readonly id: string;
    };
    query: undefined;
    body: undefined;
    answer: {
      readonly update: Update;
    };
  };
  /** Resuming an update */
  resumeUpdate: {
    params: {
      readonly id: string;
    };
    query: undefined;
    body: undefined;
    answer: {
      readonly update: Update;
    };
  };
  /** Reverting an update */
  revertUpdate: {
    params: {
      readonly id: string;
    };
    query: undefined;
    body: undefined;
    answer: {
      readonly update: Update;
    };
  };
  /** List builds: those that run, those that wait in their order, those that ended last */
  listJobs: {
    params: undefined;
    query: {
      readonly status?: 'QUEUED' | 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'CANCELLED' | readonly ('QUEUED' | 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'CANCELLED')[] | undefined;
      readonly limit?: number | undefined;
      readonly pageToken?: string | undefined;
    };
    body: undefined;
    answer: {
      readonly jobs: readonly JobDetails[];
      readonly nextPageToken?: string | undefined;
    };
  };
  /** Get how a job stands: place in the queue, stage, progress */
  getJobDetails: {
    params: {
      readonly jobId: string;
    };
    query: undefined;
    body: undefined;
    answer: {
      readonly job: JobDetails;
    };
  };
  /** Follow a job: its log, its progress and its end as Server-Sent Events */
  followJob: {
    params: {
      readonly jobId: string;
    };
    query: undefined;
    body: undefined;
    answer: string;
  };
  /** Sending files for a test run */
  uploadRunFiles: {
    params: undefined;
    query: undefined;
    body: string;
    answer: {
      readonly filesId: string;
      readonly files: number;
      readonly sizeBytes: number;
    };
  };
  /** Running tests */
  createTestRun: {
    params: undefined;
    query: undefined;
    body: {
      readonly image?: string | undefined;
      readonly version?: number | undefined;
      readonly runTimeInfo?: {
        readonly customImage?: {
          readonly managedImageName?: string | undefined;
          readonly customImage?: {
            readonly name: string;
            readonly pullSecret?: {
              readonly name: string;
            } | undefined;
          } | undefined;
          readonly name?: string | undefined;
          readonly pullSecret?: {
            readonly name: string;
          } | undefined;
        } | undefined;
      } | undefined;
      readonly command: readonly string[];
      readonly environment?: readonly {
        readonly name: string;
        readonly value: string;
      }[] | undefined;
      readonly filesId?: string | undefined;
      readonly timeLimitSeconds?: number | undefined;
      readonly resources?: {
        readonly memoryBytes?: number | undefined;
      } | undefined;
      readonly network?: boolean | undefined;
    };
    answer: {
      readonly run: TestRun;
    };
  };
  /** List test runs, of an image or of all, the newest first */
  listTestRuns: {
    params: undefined;
    query: {
      readonly image?: string | undefined;
      readonly status?: 'QUEUED' | 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'CANCELLED' | undefined;
      readonly limit?: number | undefined;
      readonly pageToken?: string | undefined;
    };
    body: undefined;
    answer: {
      readonly runs: readonly TestRun[];
      readonly nextPageToken?: string | undefined;
    };
  };
  /** Cancelling a test run */
  cancelTestRun: {
    params: {
      readonly id: string;
    };
    query: undefined;
    body: undefined;
    answer: Readonly<Record<string, never>>;
  };
  /** Follow the test runs of one’s workspaces as Server-Sent Events: run, many; ready when it begins */
  followTestRuns: {
    params: undefined;
    query: undefined;
    body: undefined;
    answer: string;
  };
  /** Get how a test run stands, or ended */
  getTestRun: {
    params: {
      readonly id: string;
    };
    query: undefined;
    body: undefined;
    answer: {
      readonly run: TestRun;
    };
  };
  /** Follow a test run: its output and its end as Server-Sent Events */
  followTestRun: {
    params: {
      readonly id: string;
    };
    query: undefined;
    body: undefined;
    answer: string;
  };
  /** List the files that a test run left in its results folder */
  listRunFiles: {
    params: {
      readonly id: string;
    };
    query: undefined;
    body: undefined;
    answer: {
      readonly files: readonly StoredFile[];
    };
  };
  /** Download the files that a test run left in its results folder */
  downloadRunFiles: {
    params: {
      readonly id: string;
    };
    query: undefined;
    body: undefined;
    answer: string;
  };
  /** Listing pull secrets */
  listPullSecrets: {
    params: undefined;
    query: undefined;
    body: undefined;
    answer: {
      readonly secrets: readonly {
        readonly name: string;
        readonly registry: string;
        readonly workspaces: readonly string[];
        readonly createdAt: string;
      }[];
    };
  };
  /** Making a pull secret */
  createPullSecret: {
    params: undefined;
    query: undefined;
    body: {
      readonly name: string;
      readonly registry: string;
      readonly username: string;
      readonly password: string;
      readonly workspaces: readonly string[];
    };
    answer: Readonly<Record<string, never>>;
  };
  /** Deleting a pull secret */
  deletePullSecret: {
    params: {
      readonly name: string;
    };
    query: undefined;
    body: undefined;
    answer: Readonly<Record<string, never>>;
  };
  /** Sign in with a password */
  signIn: {
    params: undefined;
    query: undefined;
    body: {
      readonly name: string;
      readonly password: string;
    };
    answer: {
      readonly user: User;
    };
  };
  /** Sign out */
  signOut: {
    params: undefined;
    query: undefined;
    body: undefined;
    answer: Readonly<Record<string, never>>;
  };
  /** Open the one-time set-up link in this browser */
  openSetUp: {
    params: undefined;
    query: undefined;
    body: {
      readonly code: string;
    };
    answer: {
      readonly user: string;
    };
  };
  /** Choose the administrator's password by the one-time set-up link */
  setUp: {
    params: undefined;
    query: undefined;
    body: {
      readonly code: string;
      readonly password: string;
    };
    answer: {
      readonly user: User;
    };
  };
  /** Who is asking */
  getMe: {
    params: undefined;
    query: undefined;
    body: undefined;
    answer: {
      readonly user: User;
      readonly workspace: string | null;
      readonly workspaces: readonly {
        readonly name: string;
        readonly role: 'admin' | 'vp' | 'member' | 'viewer';
      }[];
    };
  };
  /** Listing accounts */
  listUsers: {
    params: undefined;
    query: undefined;
    body: undefined;
    answer: {
      readonly users: readonly User[];
    };
  };
  /** Making an account */
  createUser: {
    params: undefined;
    query: undefined;
    body: {
      readonly name: string;
      readonly role?: 'admin' | 'support' | 'member' | undefined;
      readonly password?: string | null | undefined;
    };
    answer: {
      readonly user: User;
    };
  };
  /** Looking at an account */
  getUser: {
    params: {
      readonly name: string;
    };
    query: undefined;
    body: undefined;
    answer: {
      readonly user: User;
    };
  };
  /** Altering an account */
  alterUser: {
    params: {
      readonly name: string;
    };
    query: undefined;
    body: {
      readonly role?: 'admin' | 'support' | 'member' | undefined;
      readonly isActive?: boolean | undefined;
      readonly password?: string | undefined;
    };
    answer: {
      readonly user: User;
    };
  };
  /** Deleting an account */
  deleteUser: {
    params: {
      readonly name: string;
    };
    query: undefined;
    body: undefined;
    answer: Readonly<Record<string, never>>;
  };
  /** List workspaces */
  listWorkspaces: {
    params: undefined;
    query: undefined;
    body: undefined;
    answer: {
      readonly workspaces: readonly Workspace[];
    };
  };
  /** Making a workspace */
  createWorkspace: {
    params: undefined;
    query: undefined;
    body: {
      readonly name: string;
    };
    answer: {
      readonly workspace: {
        readonly name: string;
      };
    };
  };
  /** Deleting a workspace */
  deleteWorkspace: {
    params: {
      readonly name: string;
    };
    query: undefined;
    body: undefined;
    answer: Readonly<Record<string, never>>;
  };
  /** Listing members */
  listMembers: {
    params: {
      readonly name: string;
    };
    query: undefined;
    body: undefined;
    answer: {
      readonly members: readonly Member[];
    };
  };
  /** Changing members */
  setMember: {
    params: {
      readonly name: string;
      readonly user: string;
    };
    query: undefined;
    body: {
      readonly role: 'admin' | 'vp' | 'member' | 'viewer';
    };
    answer: {
      readonly member: Member;
    };
  };
  /** Changing members */
  removeMember: {
    params: {
      readonly name: string;
      readonly user: string;
    };
    query: undefined;
    body: undefined;
    answer: Readonly<Record<string, never>>;
  };
  /** Listing the API tokens of a workspace */
  listWorkspaceApiTokens: {
    params: {
      readonly name: string;
    };
    query: undefined;
    body: undefined;
    answer: {
      readonly tokens: readonly ApiToken[];
    };
  };
  /** List API tokens: one’s own, or everybody’s */
  listApiTokens: {
    params: undefined;
    query: {
      readonly all?: 'true' | 'false' | undefined;
    };
    body: undefined;
    answer: {
      readonly tokens: readonly ApiToken[];
    };
  };
  /** Make an API token */
  createApiToken: {
    params: undefined;
    query: undefined;
    body: {
      readonly name?: string | undefined;
      readonly user?: string | undefined;
      readonly workspace?: string | undefined;
      readonly expiresInDays?: number | undefined;
    };
    answer: {
      readonly token: ApiToken;
      readonly secret: string;
    };
  };
  /** Revoke an API token */
  deleteApiToken: {
    params: {
      readonly id: string;
    };
    query: undefined;
    body: undefined;
    answer: Readonly<Record<string, never>>;
  };
  /** Make an API token, as clients of the original do */
  createOriginalApiToken: {
    params: undefined;
    query: undefined;
    body: {
      readonly name: string;
      readonly workspaceId?: {
        readonly uuid: string;
      } | null | undefined;
      readonly tokenType?: 'TOKEN_TYPE_USER' | 'TOKEN_TYPE_UNSPECIFIED' | null | undefined;
      readonly expiryDays?: number | null | undefined;
    };
    answer: {
      readonly id: {
        readonly uuid: string;
      };
      readonly fullApiToken: string;
    };
  };
  /** List one’s API tokens, as clients of the original do */
  listOriginalApiTokens: {
    params: undefined;
    query: {
      readonly 'workspaceId.uuid'?: string | undefined;
    };
    body: undefined;
    answer: {
      readonly apiTokenInfos: readonly {
        readonly id: {
          readonly uuid: string;
        };
        readonly name: string;
        readonly creationTime: string;
        readonly expirationTime: string;
        readonly workspaceId: {
          readonly uuid: string;
        };
        readonly userId: string;
        readonly tokenType: 'TOKEN_TYPE_USER';
      }[];
      readonly nextPageToken: string;
      readonly hasMore: boolean;
    };
  };
  /** Revoke an API token, as clients of the original do */
  deleteOriginalApiToken: {
    params: {
      readonly id: string;
    };
    query: undefined;
    body: undefined;
    answer: Readonly<Record<string, never>>;
  };
  /** Reading the audit log */
  readAudit: {
    params: undefined;
    query: {
      readonly user?: string | undefined;
      readonly action?: string | undefined;
      readonly subject?: string | undefined;
      readonly outcome?: 'done' | 'refused' | 'failed' | undefined;
      readonly since?: string | undefined;
      readonly until?: string | undefined;
      readonly pageSize?: number | string | null | undefined;
      readonly pageToken?: string | undefined;
    };
    body: undefined;
    answer: {
      readonly entries: readonly {
        readonly id: number;
        readonly at: string;
        readonly user: string | null;
        readonly token: string | null;
        readonly workspace: string | null;
        readonly action: string;
        readonly subject: string | null;
        readonly outcome: 'done' | 'refused' | 'failed';
        readonly old: unknown;
        readonly new: unknown;
        readonly requestId: string | null;
        readonly address: string | null;
      }[];
      readonly nextPageToken?: string | undefined;
    };
  };
  /** Exporting the audit log */
  exportAudit: {
    params: undefined;
    query: {
      readonly user?: string | undefined;
      readonly action?: string | undefined;
      readonly subject?: string | undefined;
      readonly outcome?: 'done' | 'refused' | 'failed' | undefined;
      readonly since?: string | undefined;
      readonly until?: string | undefined;
    };
    body: undefined;
    answer: string;
  };
  /** Reading the settings in effect */
  getSettings: {
    params: undefined;
    query: undefined;
    body: undefined;
    answer: {
      readonly settings: Readonly<Record<string, unknown>>;
    };
  };
  /** Comparing the registry with the instance, and repairing what can be */
  checkRegistry: {
    params: undefined;
    query: undefined;
    body: {
      readonly repair?: boolean | undefined;
      readonly after?: number | undefined;
    };
    answer: {
      readonly registry: {
        readonly kind: string;
        readonly host: string | null;
        readonly region: string | null;
        readonly prefix: string;
      };
      readonly checked: number;
      readonly findings: readonly {
        readonly kind: 'pool-missing' | 'repository-missing' | 'version-missing' | 'other-image' | 'unknown-tag' | 'still-there' | 'unsure';
        readonly path: string;
        readonly image: string;
        readonly version: number | null;
        readonly tag: string | null;
        readonly message: string;
        readonly repair: string | null;
      }[];
      readonly known: readonly string[];
      readonly next?: number | undefined;
    };
  };
  /** Get this description */
  describeApi: {
    params: undefined;
    query: undefined;
    body: undefined;
    answer: string;
  };
};

/** Method and path of each operation. */
export const places = {
  isAlive: ['GET', '/livez'],
  isReady: ['GET', '/readyz'],
  getMetrics: ['GET', '/metrics'],
  listImages: ['POST', '/v1/images/list'],
  listImagesPlainly: ['GET', '/v1/images'],
  createImage: ['POST', '/v1/images'],
  getImage: ['GET', '/v1/images/{name}'],
  alterImage: ['PATCH', '/v1/images/{name}'],
  deleteImage: ['DELETE', '/v1/images/{name}'],
  getImageDetails: ['GET', '/v1/images/{name}/details'],
  searchImages: ['GET', '/v1/search'],
  countImages: ['GET', '/v1/search/count'],
  listImageCreators: ['GET', '/v1/image-creators'],
  ensureImage: ['POST', '/v1/images/ensure'],
  planImage: ['POST', '/v1/images/plan'],
  matchImages: ['POST', '/v1/images/match'],
  retryImage: ['POST', '/v1/images/{name}/retry'],
  rebaseImage: ['POST', '/v1/images/{name}/rebase'],
  rollBackImage: ['POST', '/v1/images/{name}/rollback'],
  listVersions: ['GET', '/v1/images/{name}/versions'],
  getVersion: ['GET', '/v1/images/{name}/versions/{number}'],
  trimVersion: ['DELETE', '/v1/images/{name}/versions/{number}'],
  getLock: ['GET', '/v1/images/{name}/versions/{number}/lock'],
  getVersionLog: ['GET', '/v1/images/{name}/versions/{number}/logs'],
  diffImages: ['GET', '/v1/diff'],
  listRemovedImages: ['GET', '/v1/removed-images'],
  restoreImage: ['POST', '/v1/removed-images/{id}/restore'],
  startUse: ['POST', '/v1/images/{name}/uses'],
  endUse: ['DELETE', '/v1/images/{name}/uses/{id}'],
  getImageUsage: ['GET', '/v1/images/{name}/usage'],
  followImages: ['GET', '/v1/image-events'],
  getServerInfo: ['GET', '/v1/rime-info'],
  getLimit: ['GET', '/v1/feature-flags/{customerName}/limits/{limit}'],
  getJob: ['GET', '/v1/jobs/{jobId}'],
  cancelJob: ['POST', '/v1/jobs/cancel/{jobId}'],
  getLog: ['GET', '/v1-beta/logs/{jobId}'],
  getLog2: ['GET', '/internal/logs/{jobId}'],
  getLog3: ['GET', '/v1/logs/{jobId}'],
  listImageTypes: ['GET', '/v1/image-types'],
  listBases: ['GET', '/v1/bases'],
  completePackageName: ['GET', '/v1/packages'],
  getStorage: ['GET', '/v1/storage'],
  listImageStorage: ['GET', '/v1/storage/images'],
  listNearDuplicates: ['GET', '/v1/storage/near-duplicates'],
  listUpdates: ['GET', '/v1/updates'],
  applyUpdate: ['POST', '/v1/updates'],
  previewUpdate: ['POST', '/v1/updates/preview'],
  getUpdate: ['GET', '/v1/updates/{id}'],
  haltUpdate: ['POST', '/v1/updates/{id}/halt'],
  resumeUpdate: ['POST', '/v1/updates/{id}/resume'],
  revertUpdate: ['POST', '/v1/updates/{id}/revert'],
  listJobs: ['GET', '/v1/jobs'],
  getJobDetails: ['GET', '/v1/jobs/{jobId}/details'],
  followJob: ['GET', '/v1/jobs/{jobId}/events'],
  uploadRunFiles: ['POST', '/v1/run-files'],
  createTestRun: ['POST', '/v1/test-runs'],
  listTestRuns: ['GET', '/v1/test-runs'],
  cancelTestRun: ['POST', '/v1/test-runs/{id}/cancel'],
  followTestRuns: ['GET', '/v1/test-run-events'],
  getTestRun: ['GET', '/v1/test-runs/{id}'],
  followTestRun: ['GET', '/v1/test-runs/{id}/events'],
  listRunFiles: ['GET', '/v1/test-runs/{id}/files'],
  downloadRunFiles: ['GET', '/v1/test-runs/{id}/files.tar.gz'],
  listPullSecrets: ['GET', '/v1/pull-secrets'],
  createPullSecret: ['POST', '/v1/pull-secrets'],
  deletePullSecret: ['DELETE', '/v1/pull-secrets/{name}'],
  signIn: ['POST', '/v1/sign-in'],
  signOut: ['POST', '/v1/sign-out'],
  openSetUp: ['POST', '/v1/set-up/open'],
  setUp: ['POST', '/v1/set-up'],
  getMe: ['GET', '/v1/me'],
  listUsers: ['GET', '/v1/users'],
  createUser: ['POST', '/v1/users'],
  getUser: ['GET', '/v1/users/{name}'],
  alterUser: ['PATCH', '/v1/users/{name}'],
  deleteUser: ['DELETE', '/v1/users/{name}'],
  listWorkspaces: ['GET', '/v1/workspaces'],
  createWorkspace: ['POST', '/v1/workspaces'],
  deleteWorkspace: ['DELETE', '/v1/workspaces/{name}'],
  listMembers: ['GET', '/v1/workspaces/{name}/members'],
  setMember: ['PUT', '/v1/workspaces/{name}/members/{user}'],
  removeMember: ['DELETE', '/v1/workspaces/{name}/members/{user}'],
  listWorkspaceApiTokens: ['GET', '/v1/workspaces/{name}/api-tokens'],
  listApiTokens: ['GET', '/v1/api-tokens'],
  createApiToken: ['POST', '/v1/api-tokens'],
  deleteApiToken: ['DELETE', '/v1/api-tokens/{id}'],
  createOriginalApiToken: ['POST', '/v1/users/api-tokens'],
  listOriginalApiTokens: ['GET', '/v1/users/api-tokens'],
  deleteOriginalApiToken: ['DELETE', '/v1/users/api-tokens/{id}'],
  readAudit: ['GET', '/v1/audit'],
  exportAudit: ['GET', '/v1/audit.csv'],
  getSettings: ['GET', '/v1/settings'],
  checkRegistry: ['POST', '/v1/registry/check'],
  describeApi: ['GET', '/openapi.json'],
} as const satisfies Readonly<Record<keyof Operations, readonly [string, string]>>;
