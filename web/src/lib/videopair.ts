import { computed, onScopeDispose, ref, watch, type Ref } from "vue";

/** Two videos of the same frames that play, stop and step as one. */
export interface VideoPair {
  playing: Ref<boolean>;
  time: Ref<number>;
  length: Ref<number>;
  frame: Ref<number>;
  toggle: () => void;
  seek: (time: number) => void;
  step: (frames: number) => void;
}

/** Start times of frames of equal duration. */
export function evenTimes(frames: number, length: number): number[] {
  return Array.from({ length: frames }, (_, frame) => (frame * length) / frames);
}

/** How long a frame is shown; that of the last is unknown, so the previous one's is used. */
function lasting(frame: number, times: number[]): number {
  const at = Math.max(0, Math.min(frame, times.length - 2));
  const begins = times[at] ?? 0;
  return (times[at + 1] ?? begins) - begins;
}

/** The middle of a frame: its very beginning may show the one before. */
export function middleOf(frame: number, times: number[]): number {
  return (times[frame] ?? 0) + lasting(frame, times) / 2;
}

/** The frame shown at a time. Players round to microseconds, so a little early is on time. */
export function frameAt(time: number, times: number[]): number {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] ?? 0) <= time + 1e-4) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}

export function useVideoPair(
  leader: Ref<HTMLVideoElement | null>,
  follower: Ref<HTMLVideoElement | null>,
  /** When each frame begins, in seconds; durations may differ. */
  times: Ref<number[]>,
): VideoPair {
  const playing = ref(false);
  const time = ref(0);
  const length = ref(0);
  /** Sound may be longer than the picture: the file may end after the last frame. */
  const last = () => Math.max(0, times.value.length - 1);
  const frame = computed(() => frameAt(time.value, times.value));
  let watching = 0;

  /** Called with each frame of the leader that is shown. */
  function shown(_now: number, { mediaTime }: VideoFrameCallbackMetadata): void {
    const [first, second] = [leader.value, follower.value];
    if (!first) return;
    // A paused video is where it was sent, even if a late frame arrives.
    if (playing.value) time.value = mediaTime;
    if (second && playing.value) {
      const lag = mediaTime - second.currentTime;
      if (Math.abs(lag) > 0.25) second.currentTime = mediaTime;
      // A little faster or slower catches up without a visible jump.
      second.playbackRate =
        Math.abs(lag) > lasting(frame.value, times.value) / 2
          ? 1 + Math.max(-0.5, Math.min(0.5, lag * 4))
          : 1;
    }
    watching = first.requestVideoFrameCallback(shown);
  }

  function align(): void {
    const [first, second] = [leader.value, follower.value];
    if (!first || !second) return;
    const at = middleOf(frameAt(first.currentTime, times.value), times.value);
    second.playbackRate = 1;
    time.value = at;
    first.currentTime = at;
    second.currentTime = at;
  }

  function pause(): void {
    playing.value = false;
    leader.value?.pause();
    follower.value?.pause();
    align();
  }

  async function play(): Promise<void> {
    const [first, second] = [leader.value, follower.value];
    if (!first) return;
    if (frame.value >= last()) seek(0);
    playing.value = true;
    try {
      await Promise.all([first.play(), second?.play()]);
    } catch {
      playing.value = false;
    }
  }

  function seek(to: number): void {
    for (const video of [leader.value, follower.value]) {
      if (video) video.currentTime = Math.max(0, Math.min(to, length.value));
    }
    time.value = to;
  }

  function step(frames: number): void {
    if (playing.value) pause();
    const to = Math.max(0, Math.min(last(), frame.value + frames));
    seek(middleOf(to, times.value));
  }

  const listening = new AbortController();
  watch(
    leader,
    (video) => {
      if (!video) return;
      const { signal } = listening;
      const known = () => {
        if (Number.isFinite(video.duration)) length.value = video.duration;
      };
      video.addEventListener("durationchange", known, { signal });
      video.addEventListener("ended", pause, { signal });
      known();
      watching = video.requestVideoFrameCallback(shown);
    },
    { immediate: true },
  );
  onScopeDispose(() => {
    listening.abort();
    leader.value?.cancelVideoFrameCallback(watching);
  });

  return {
    playing,
    time,
    length,
    frame,
    toggle: () => {
      if (playing.value) pause();
      else void play();
    },
    seek,
    step,
  };
}
