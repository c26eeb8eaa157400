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

/** The middle of a frame: its very beginning may show the one before. */
export function middleOf(frame: number, rate: number): number {
  return (frame + 0.5) / rate;
}

export function frameAt(time: number, rate: number): number {
  return Math.max(0, Math.floor(time * rate + 1e-3));
}

export function useVideoPair(
  leader: Ref<HTMLVideoElement | null>,
  follower: Ref<HTMLVideoElement | null>,
  /** Frames a second, and how many there are; 0 if that is not known. */
  film: () => { rate: number; frames: number },
): VideoPair {
  const playing = ref(false);
  const time = ref(0);
  const length = ref(0);
  const rate = () => film().rate;
  /** Sound may be longer than the picture: the last frame is not where the file ends. */
  const last = () => Math.max(0, (film().frames || Math.round(length.value * rate())) - 1);
  const frame = computed(() => Math.min(last(), frameAt(time.value, rate())));
  let watching = 0;

  /** Called with each frame of the leader that is shown. */
  function shown(_now: number, { mediaTime }: VideoFrameCallbackMetadata): void {
    const [first, second] = [leader.value, follower.value];
    if (!first) return;
    time.value = mediaTime;
    if (second && playing.value) {
      const lag = mediaTime - second.currentTime;
      if (Math.abs(lag) > 0.25) second.currentTime = mediaTime;
      // A little faster or slower catches up without a visible jump.
      second.playbackRate =
        Math.abs(lag) > 0.5 / rate() ? 1 + Math.max(-0.5, Math.min(0.5, lag * 4)) : 1;
    }
    watching = first.requestVideoFrameCallback(shown);
  }

  function align(): void {
    const [first, second] = [leader.value, follower.value];
    if (!first || !second) return;
    const at = middleOf(Math.min(last(), frameAt(first.currentTime, rate())), rate());
    second.playbackRate = 1;
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
    seek(middleOf(to, rate()));
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
